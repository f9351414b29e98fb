import { z } from 'zod';
import { observeConfig } from './observe-config.ts';

const severitySetting = z.enum(['off', 'info', 'warning', 'error']);

/** What every object of the kinds must be, in CEL over `object`, as a ValidatingAdmissionPolicy would say it. */
const customLintRule = z.strictObject({
  /** Becomes the code of its findings; no name of a built-in rule. */
  name: z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'a name of small letters, digits and dashes'),
  severity: severitySetting.default('warning'),
  /** `KIND` or `GROUP/KIND`; absent: every object. */
  kinds: z.array(z.string().min(1)).min(1).max(50).optional(),
  expression: z.string().min(1).max(10_000),
  /** What is told of an object for which the expression is false. */
  message: z.string().min(1).max(1_000).optional(),
});
export type CustomLintRule = z.infer<typeof customLintRule>;

interface LintConfig {
  readonly custom: readonly CustomLintRule[];
  readonly severities: Readonly<Record<string, z.infer<typeof severitySetting>>>;
}

const limitsConfig = z.strictObject({
  redis: z.strictObject({
    /** Credentials come with `ADIT_REDIS_URL` of the agent, which has to name the same server. */
    url: z
      .url({ protocol: /^rediss?$/ })
      .refine(
        (url) => new URL(url).password === '',
        'a password does not belong here: give it to the agent in ADIT_REDIS_URL',
      ),
    /** Of every key; agents with the same count together. */
    prefix: z.string().max(200).optional(),
    /** For an answer. */
    timeoutMs: z.int().min(10).max(60_000).default(500),
  }),
  /** Whether a call is answered 503 or let through uncounted while Redis is away. */
  whenAway: z.enum(['refuse', 'allow']).default('refuse'),
});
export type LimitsConfig = z.infer<typeof limitsConfig>;

/**
 * `adit.yaml` at the root of a workspace. Everything is optional: a folder without one is a workspace too.
 */
export const workspaceConfig = z.strictObject({
  /** Where the calls of plans are counted: in memory, or in a Redis server that several agents share. */
  limits: limitsConfig.optional(),
  /** Off until configured. */
  observe: observeConfig.optional(),
  /** Name of the workspace; default: the folder's name. Becomes the first label of preview hosts. */
  name: z
    .string()
    .regex(/^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$/)
    .optional(),
  /** Folders and files to read, relative to the workspace; default: all `*.yaml`, `*.yml`, `*.json` below it. */
  manifests: z.array(z.string()).optional(),
  /** Used for documents without `metadata.namespace`. */
  namespace: z.string().default('default'),
  /**
   * Where a preview sends the calls of a Service, by `NAMESPACE/NAME`, `NAME` (default namespace) or `…:PORT`.
   * A command gets its port in `$PORT` (chosen by the system) and must listen on 127.0.0.1.
   */
  upstreams: z
    .record(
      z.string(),
      z.union([
        z.strictObject({ url: z.url({ protocol: /^(https?|h2c)$/ }) }),
        z.strictObject({
          command: z.union([z.string(), z.array(z.string()).min(1)]),
          cwd: z.string().optional(),
          env: z.record(z.string(), z.string()).default({}),
        }),
      ]),
    )
    .default({}),
  preview: z
    .strictObject({
      /** The address of a preview on this machine is `https://`, with a certificate from the development CA. */
      https: z.boolean().default(false),
    })
    .prefault({}),
  /** How Traefik is configured in the cluster, where that differs from its defaults; names of its providers' options. */
  traefik: z
    .strictObject({
      /** `providers.kubernetesCRD.allowCrossNamespace` */
      allowCrossNamespace: z.boolean().default(false),
      /** `providers.kubernetesIngress.strictPrefixMatching` */
      strictPrefixMatching: z.boolean().default(false),
    })
    .prefault({}),
  /** Severity of lint rules by name; under `custom`, rules of the workspace's own. */
  lint: z
    .object({ custom: z.array(customLintRule).max(50).default([]) })
    .catchall(severitySetting)
    .transform(({ custom, ...severities }): LintConfig => ({ custom, severities }))
    .prefault({}),
});
export type WorkspaceConfig = z.infer<typeof workspaceConfig>;
export const WORKSPACE_CONFIG_FILE = 'adit.yaml';
