import { dirname, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { fail, ok } from '../../shared/result/result.ts';
import type { Result } from '../../shared/result/result.ts';

/**
 * Kubeconfig as kubectl reads it. Source: client-go `tools/clientcmd/api/v1/types.go` for the fields, and
 * `kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig` for the rules of merging.
 */

const text = z
  .string()
  .nullish()
  .transform((value) => value ?? undefined);

const cluster = z.object({
  server: z.string(),
  'tls-server-name': text,
  'insecure-skip-tls-verify': z.boolean().nullish(),
  'certificate-authority': text,
  'certificate-authority-data': text,
  'proxy-url': text,
});

const exec = z.object({
  apiVersion: z.string(),
  command: z.string().min(1),
  args: z
    .array(z.string())
    .nullish()
    .transform((value) => value ?? []),
  env: z
    .array(z.object({ name: z.string(), value: z.string() }))
    .nullish()
    .transform((value) => value ?? []),
  installHint: text,
  provideClusterInfo: z.boolean().nullish(),
  interactiveMode: text,
});
export type ExecPlugin = z.infer<typeof exec>;

const user = z.object({
  'client-certificate': text,
  'client-certificate-data': text,
  'client-key': text,
  'client-key-data': text,
  token: text,
  tokenFile: text,
  as: text,
  'as-uid': text,
  'as-groups': z.array(z.string()).nullish(),
  username: text,
  password: text,
  'auth-provider': z.object({ name: z.string(), config: z.record(z.string(), z.string()).nullish() }).nullish(),
  exec: exec.nullish(),
});

const context = z.object({ cluster: z.string(), user: z.string().nullish(), namespace: text });

const kubeconfigFile = z.object({
  kind: z.literal('Config').nullish(),
  'current-context': text,
  clusters: z.array(z.object({ name: z.string(), cluster })).nullish(),
  users: z.array(z.object({ name: z.string(), user: user.nullish() })).nullish(),
  contexts: z.array(z.object({ name: z.string(), context })).nullish(),
});

export type ClusterEntry = z.infer<typeof cluster>;
export type UserEntry = z.infer<typeof user>;

/** An entry and the file that it came from. */
export interface Named<T> {
  readonly name: string;
  readonly file: string;
  readonly entry: T;
}

export interface Kubeconfig {
  readonly currentContext: string | undefined;
  readonly clusters: ReadonlyMap<string, Named<ClusterEntry>>;
  readonly users: ReadonlyMap<string, Named<UserEntry>>;
  readonly contexts: ReadonlyMap<string, Named<z.infer<typeof context>>>;
}

export const emptyKubeconfig: Kubeconfig = {
  currentContext: undefined,
  clusters: new Map(),
  users: new Map(),
  contexts: new Map(),
};

/** Parses one file; relative paths in it become absolute. The failure's message says the place, never a value (it may be a secret). */
export function parseKubeconfig(file: string, content: string): Result<Kubeconfig> {
  const document = parseDocument(content, { prettyErrors: false, logLevel: 'silent' });
  const broken = document.errors[0];
  if (broken) {
    const line = content.slice(0, broken.pos[0]).split('\n').length;
    return fail('kube-config-unreadable', `${file}:${line}: not valid YAML (${broken.code})`);
  }
  const value: unknown = document.toJS({ maxAliasCount: 100 });
  if (value === null || value === undefined) return ok(emptyKubeconfig);
  const parsed = kubeconfigFile.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return fail(
      'kube-config-unreadable',
      `${file}: ${issue?.path.join('.') || 'the file'}: ${issue?.message ?? 'not a kubeconfig'}`,
    );
  }
  const base = dirname(file);
  const absolute = (path: string | undefined) => (path === undefined || path === '' ? undefined : resolve(base, path));
  const named = <T>(list: readonly { readonly name: string; readonly value: T }[]) => {
    const map = new Map<string, Named<T>>();
    for (const { name, value: entry } of list) if (!map.has(name)) map.set(name, { name, file, entry });
    return map;
  };
  const clusters = (parsed.data.clusters ?? []).map(({ name, cluster: entry }) => ({
    name,
    value: { ...entry, 'certificate-authority': absolute(entry['certificate-authority']) },
  }));
  const users = (parsed.data.users ?? []).map(({ name, user: entry }) => {
    const known: UserEntry = entry ?? user.parse({});
    return {
      name,
      value: {
        ...known,
        'client-certificate': absolute(known['client-certificate']),
        'client-key': absolute(known['client-key']),
        tokenFile: absolute(known.tokenFile),
        exec: known.exec && { ...known.exec, command: execCommand(base, known.exec.command) },
      },
    };
  });
  return ok({
    currentContext: parsed.data['current-context'],
    clusters: named(clusters),
    users: named(users),
    contexts: named((parsed.data.contexts ?? []).map(({ name, context: entry }) => ({ name, value: entry }))),
  });
}

/** Like client-go: a command with a separator is relative to the file, a bare one is searched on PATH. */
function execCommand(base: string, command: string): string {
  return /[/\\]/.test(command) ? resolve(base, command) : command;
}

/** The first file that names an entry or a current context wins. */
export function mergeKubeconfigs(files: readonly Kubeconfig[]): Kubeconfig {
  const clusters = new Map<string, Named<ClusterEntry>>();
  const users = new Map<string, Named<UserEntry>>();
  const contexts = new Map<string, Named<z.infer<typeof context>>>();
  const addTo = <T>(map: Map<string, Named<T>>, from: ReadonlyMap<string, Named<T>>) => {
    for (const [name, entry] of from) if (!map.has(name)) map.set(name, entry);
  };
  for (const file of files) {
    addTo(clusters, file.clusters);
    addTo(users, file.users);
    addTo(contexts, file.contexts);
  }
  return { currentContext: files.find((file) => file.currentContext)?.currentContext, clusters, users, contexts };
}
