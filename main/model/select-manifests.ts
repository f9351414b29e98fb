import type { SourceFile } from '../../shared/manifests/types.ts';
import { WORKSPACE_CONFIG_FILE } from '../../shared/workspace/adit-yaml.ts';

/** The files that `manifests:` of `adit.yaml` names (files, or folders with all below them; default: all), by path. Pure. */
export function selectManifests(
  texts: ReadonlyMap<string, string>,
  manifests: readonly string[] | undefined,
): SourceFile[] {
  const wanted = manifests?.map((entry) => entry.replace(/^(\.\/)+/, '').replace(/\/+$/, ''));
  const isWanted = (file: string): boolean =>
    wanted === undefined ||
    wanted.some((entry) => entry === '' || entry === '.' || file === entry || file.startsWith(`${entry}/`));
  return [...texts]
    .filter(([file]) => file !== WORKSPACE_CONFIG_FILE && isWanted(file))
    .map(([path, text]) => ({ path, text }))
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
}
