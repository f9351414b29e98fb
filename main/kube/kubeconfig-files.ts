import { readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { emptyKubeconfig, mergeKubeconfigs, parseKubeconfig } from './kubeconfig.ts';
import type { Kubeconfig } from './kubeconfig.ts';
import type { KubeContexts } from './port.ts';

const MAX_KUBECONFIG_BYTES = 8 * 1024 * 1024;

export interface KubeconfigRead {
  readonly config: Kubeconfig;
  readonly files: readonly string[];
  readonly messages: readonly string[];
}

/** Files that kubectl would read: the list in `KUBECONFIG`, else `~/.kube/config`. */
export function kubeconfigPaths(env: Readonly<Record<string, string | undefined>>, home: string): string[] {
  const listed = (env['KUBECONFIG'] ?? '').split(delimiter).filter((path) => path !== '');
  return listed.length > 0 ? [...new Set(listed)] : [join(home, '.kube', 'config')];
}

/**
 * Reads the files anew on each call. kubectl and cloud tools rewrite a kubeconfig in place, so that a reader may see half
 * of it: a file that cannot be parsed keeps its last good state, and a message says so.
 */
export class KubeconfigFiles {
  readonly #paths: readonly string[];
  readonly #lastGood = new Map<string, Kubeconfig>();

  constructor(paths: readonly string[]) {
    this.#paths = paths;
  }

  async read(): Promise<KubeconfigRead> {
    const messages: string[] = [];
    const files: string[] = [];
    const configs: Kubeconfig[] = [];
    for (const path of this.#paths) {
      const read = await this.#readOne(path);
      if (read.config) {
        configs.push(read.config);
        files.push(path);
      }
      if (read.message !== undefined) messages.push(read.message);
    }
    const config = mergeKubeconfigs(configs);
    if (config.contexts.size === 0 && messages.length === 0) messages.push(`No context in ${this.#paths.join(', ')}.`);
    return { config, files, messages };
  }

  async #readOne(path: string): Promise<{ config?: Kubeconfig; message?: string }> {
    let content: string;
    try {
      content = await readFile(path, 'utf8');
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
      if (code === 'ENOENT') {
        this.#lastGood.delete(path);
        return { message: `No kubeconfig at ${path}.` };
      }
      return this.#keepLastGood(path, `${path}: cannot be read (${code})`);
    }
    if (content.length > MAX_KUBECONFIG_BYTES) return this.#keepLastGood(path, `${path}: larger than 8 MiB`);
    const parsed = parseKubeconfig(path, content);
    if (!parsed.ok) return this.#keepLastGood(path, parsed.error.message);
    if (parsed.value.contexts.size > 0) {
      this.#lastGood.set(path, parsed.value);
    } else {
      // A file is empty for a moment while it is written anew.
      if (content.trim() === '' && this.#lastGood.has(path))
        return this.#keepLastGood(path, `${path}: the file is empty`);
      this.#lastGood.delete(path);
    }
    return { config: parsed.value };
  }

  #keepLastGood(path: string, why: string): { config: Kubeconfig; message: string } {
    const good = this.#lastGood.get(path);
    return good
      ? { config: good, message: `${why}; its last good state is shown.` }
      : { config: emptyKubeconfig, message: `${why}.` };
  }
}

/** What the list of contexts shows; a context whose cluster is not defined has an empty server. */
export function kubeContexts(read: KubeconfigRead): KubeContexts {
  const contexts = [...read.config.contexts.values()].map(({ name, entry }) => ({
    name,
    cluster: entry.cluster,
    user: entry.user ?? '',
    ...(entry.namespace === undefined ? {} : { namespace: entry.namespace }),
    server: read.config.clusters.get(entry.cluster)?.entry.server ?? '',
  }));
  const current = read.config.currentContext;
  return {
    contexts,
    ...(current === undefined ? {} : { current }),
    files: [...read.files],
    messages: [...read.messages],
  };
}
