import { git, type GitOptions } from '../main/git/git.ts';
import { CommandFailed } from './errors.ts';

const MAX_BYTES = 256 * 1024 * 1024;
const TIMEOUT_MS = 60_000;

export interface Blob {
  readonly path: string;
  readonly id: string;
  readonly bytes: number;
  readonly isLink: boolean;
}

/** Every file of a commit, by path. */
export type Tree = ReadonlyMap<string, Blob>;

/** Output of a Git command in `top`, or CommandFailed with Git's words. */
export async function gitText(top: string, args: readonly string[], options: GitOptions = {}): Promise<Buffer> {
  const run = await git(args, top, { timeoutMs: TIMEOUT_MS, ...options });
  if (run.ok) return run.value.stdout;
  const { message, hint, detail } = run.error;
  const words = typeof detail === 'string' ? detail.split('\n')[0] : undefined;
  throw new CommandFailed({ code: run.error.code, message: words ?? message, ...(hint === undefined ? {} : { hint }) });
}

/** The files of a commit; nothing is checked out. */
export async function listTree(top: string, commit: string): Promise<Tree> {
  const listing = await gitText(top, ['ls-tree', '-r', '-z', '--long', '--full-tree', commit], {
    maxOutputBytes: MAX_BYTES,
  });
  const tree = new Map<string, Blob>();
  for (const entry of listing.toString('utf8').split('\0')) {
    // `<mode> SP <type> SP <object> SP+ <size> TAB <path>`; submodules are no blobs.
    const [, mode, id, size, path] = /^(\d+) blob ([0-9a-f]+) +(\d+)\t(.+)$/s.exec(entry) ?? [];
    if (id === undefined || path === undefined) continue;
    tree.set(path, { path, id, bytes: Number(size), isLink: mode === '120000' });
  }
  return tree;
}

/** By object id. `git cat-file --batch` answers `<object> SP blob SP <size> LF <bytes> LF` for each, in order. */
export async function readBlobs(
  top: string,
  blobs: readonly Pick<Blob, 'id'>[],
  signal?: AbortSignal,
): Promise<Map<string, Buffer>> {
  const ids = [...new Set(blobs.map(({ id }) => id))];
  const stdin = ids.map((id) => `${id}\n`).join('');
  const out = await gitText(top, ['cat-file', '--batch'], { stdin, maxOutputBytes: MAX_BYTES, signal });
  const contents = new Map<string, Buffer>();
  for (let at = 0; at < out.length;) {
    const end = out.indexOf(0x0a, at);
    const [id, type, size] = out.toString('latin1', at, end).split(' ');
    if (id === undefined || type !== 'blob' || end < 0)
      throw new CommandFailed({ code: 'git-failed', message: `Git did not hand out the object ${id ?? ''}` });
    contents.set(id, out.subarray(end + 1, end + 1 + Number(size)));
    at = end + 1 + Number(size) + 1;
  }
  return contents;
}
