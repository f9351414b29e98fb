import { z } from 'zod';

/**
 * `adit.yaml` at the root of a workspace. Everything is optional: a folder without one is a workspace too.
 */
export const workspaceConfig = z.strictObject({
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
  /** Severity of lint rules by name. */
  lint: z.record(z.string(), z.enum(['off', 'info', 'warning', 'error'])).default({}),
});
export type WorkspaceConfig = z.infer<typeof workspaceConfig>;
export const WORKSPACE_CONFIG_FILE = 'adit.yaml';
