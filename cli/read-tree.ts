import { basename, dirname, posix } from 'node:path';
import { git, type GitOptions } from '../main/git/git.ts';
import { readCustomRules } from '../shared/manifests/index.ts';
import { findRenderings } from '../shared/manifests/render/find-renderings.ts';
import type { SourceFile } from '../shared/manifests/types.ts';
import { WORKSPACE_CONFIG_FILE } from '../shared/workspace/adit-yaml.ts';
import { parseWorkspaceConfig } from '../shared/workspace/parse-config.ts';
import { CommandFailed, EXIT } from './errors.ts';
import { isManifestPath, MAX_FILES, type ManifestSet } from './read-manifests.ts';

const MAX_BYTES = 256 * 1024 * 1024;
const MAX_FILE_BYTES = 10 * 1024 * 1024;
const TIMEOUT_MS = 60_000;

interface Blob {
  readonly path: string;
  readonly id: string;
  readonly bytes: number;
}

/** Output of a Git command in `top`, or CommandFailed with Git's words. */
export async function gitText(top: string, args: readonly string[], options: GitOptions = {}): Promise<Buffer> {
  const run = await git(args, top, { timeoutMs: TIMEOUT_MS, ...options });
  if (run.ok) return run.value.stdout;
  const { message, hint, detail } = run.error;
  const words = typeof detail === 'string' ? detail.split('\n')[0] : undefined;
  throw new CommandFailed({ code: run.error.code, message: words ?? message, ...(hint === undefined ? {} : { hint }) });
}

/** The manifests of a commit below a folder (`''`: all), by Git's own objects: nothing is checked out. */
export async function readTree(top: string, commit: string, folder: string): Promise<ManifestSet> {
  const listing = await gitText(top, ['ls-tree', '-r', '-z', '--long', '--full-tree', commit], {
    maxOutputBytes: MAX_BYTES,
  });
  const unreadable: { path: string; message: string }[] = [];
  const manifests: Blob[] = [];
  const configs = new Map<string, Blob>();
  for (const entry of listing.toString('utf8').split('\0')) {
    // `<mode> SP <type> SP <object> SP+ <size> TAB <path>`; links and submodules are not read, as in a work tree.
    const [, id, size, path] = /^100\d+ blob ([0-9a-f]+) +(\d+)\t(.+)$/s.exec(entry) ?? [];
    if (id === undefined || path === undefined) continue;
    const blob = { path, id, bytes: Number(size) };
    if (basename(path) === WORKSPACE_CONFIG_FILE) configs.set(dirname(path), blob);
    else if (isBelow(path, folder) && isManifestPath(path)) manifests.push(blob);
  }
  if (manifests.length > MAX_FILES)
    throw new CommandFailed(
      {
        code: 'too-many-files',
        message: `more than ${MAX_FILES} files in ${commit}`,
        hint: 'name the folder of the manifests',
      },
      EXIT.usage,
    );
  const config = nearest(configs, folder);
  const wanted = [...manifests, ...(config === undefined ? [] : [config])].filter(({ path, bytes }) => {
    if (bytes > MAX_FILE_BYTES) unreadable.push({ path, message: `larger than ${MAX_FILE_BYTES / 1024 / 1024} MiB` });
    return bytes <= MAX_FILE_BYTES;
  });
  const texts = await readBlobs(top, wanted);
  const files: SourceFile[] = manifests.flatMap(({ path, id }) => {
    const text = texts.get(id);
    return text === undefined ? [] : [{ path, text }];
  });
  const configText = (config === undefined ? undefined : texts.get(config.id)) ?? '';
  const parsed = parseWorkspaceConfig(configText);
  const customRules = readCustomRules(parsed.config.lint.custom, configText);
  // Programs read folders, and there is none of this commit: overlays and charts are left out.
  const { taken } = findRenderings(files);
  return {
    files: files.filter(({ path }) => !taken.has(path)),
    config: parsed.config,
    customRules,
    rendered: [],
    problems: [],
    configProblems: parsed.problems,
    unreadable,
  };
}

function isBelow(path: string, folder: string): boolean {
  return folder === '' || path === folder || path.startsWith(`${folder}/`);
}

function nearest(configs: ReadonlyMap<string, Blob>, folder: string): Blob | undefined {
  for (let dir = folder === '' ? '.' : folder; ; dir = posix.dirname(dir)) {
    const found = configs.get(dir);
    if (found !== undefined || dir === '.') return found;
  }
}

/** By object id. `git cat-file --batch` answers `<object> SP blob SP <size> LF <bytes> LF` for each, in order. */
async function readBlobs(top: string, blobs: readonly Blob[]): Promise<Map<string, string>> {
  const ids = [...new Set(blobs.map(({ id }) => id))];
  const stdin = ids.map((id) => `${id}\n`).join('');
  const out = await gitText(top, ['cat-file', '--batch'], { stdin, maxOutputBytes: MAX_BYTES });
  const texts = new Map<string, string>();
  for (let at = 0; at < out.length;) {
    const end = out.indexOf(0x0a, at);
    const [id, type, size] = out.toString('latin1', at, end).split(' ');
    if (id === undefined || type !== 'blob' || end < 0)
      throw new CommandFailed({ code: 'git-failed', message: `Git did not hand out the object ${id ?? ''}` });
    texts.set(id, out.toString('utf8', end + 1, end + 1 + Number(size)));
    at = end + 1 + Number(size) + 1;
  }
  return texts;
}
