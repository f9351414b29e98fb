import { hostLabel } from './sources/source.ts';

/** A lease per host is a name in public: beyond this many hosts the rest is reached through the others' rules only. */
export const MAX_HOSTS = 8;

export interface WantedHost {
  /** First label to lease. */
  readonly name: string;
  /** Host in the manifests; null: any. */
  readonly stands: string | null;
}

/**
 * One preview host for each host of the manifests, named after the workspace; the further ones get the host's first
 * label too. Without hosts in the manifests, one that stands for any.
 */
export function wantedHosts(workspace: string, hosts: readonly string[]): WantedHost[] {
  if (hosts.length === 0) return [{ name: workspace, stands: null }];
  const taken = new Set<string>();
  return hosts.slice(0, MAX_HOSTS).map((host, at) => {
    const label = host.split('.', 1)[0] ?? '';
    let name = at === 0 ? workspace : hostLabel(`${workspace.slice(0, 24)}-${label}`);
    for (let again = 2; taken.has(name); again++)
      name = hostLabel(`${workspace.slice(0, 20)}-${label.slice(0, 14)}-${again}`);
    taken.add(name);
    return { name, stands: host };
  });
}
