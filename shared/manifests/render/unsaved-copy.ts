import { constants } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Input, Unsaved } from './rendering-inputs.ts';

const MAX_BYTES = 64 * 1024 * 1024;
const PREFIX = 'adit-render-';

/** A folder of its own that looks like the workspace, for programs that read folders. */
export interface TreeCopy {
  readonly root: string;
  readonly remove: () => Promise<void>;
}

export interface CopiedFile {
  /** Relative to the workspace; may begin with `../`. */
  readonly path: string;
  readonly bytes: number;
}

/**
 * Writes files into a temporary folder of this user only, by `write(path, to)`; undefined when they are more than it may
 * take. It stays until it is removed; what a killed process left behind is removed by the next one.
 */
export async function copyTree<F extends CopiedFile>(
  files: readonly F[],
  write: (file: F, to: string) => Promise<void>,
  signal?: AbortSignal,
): Promise<TreeCopy | undefined> {
  if (files.reduce((sum, { bytes }) => sum + bytes, 0) > MAX_BYTES) return undefined;
  await (swept ??= removeLeftBehind());
  const top = await mkdtemp(join(await realpath(tmpdir()), `${PREFIX}${process.pid}-`));
  const remove = (): Promise<void> => rm(top, { recursive: true, force: true });
  try {
    // What lies above the workspace has a place in the copy too.
    const root = join(
      top,
      ...Array.from({ length: 1 + Math.max(0, ...files.map(({ path }) => depthAbove(path))) }, () => 'w'),
    );
    await mkdir(root, { recursive: true });
    const made = new Set<string>();
    for (const file of files) {
      signal?.throwIfAborted();
      const to = join(root, file.path);
      if (!made.has(dirname(to))) await mkdir(dirname(to), { recursive: true });
      made.add(dirname(to));
      await write(file, to);
    }
    return { root, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** The inputs of an overlay or chart as they would be if everything were saved. */
export function copyUnsaved(
  root: string,
  inputs: readonly Input[],
  unsaved: Unsaved,
  signal?: AbortSignal,
): Promise<TreeCopy | undefined> {
  const write = async ({ path }: Input, to: string): Promise<void> => {
    const text = unsaved.get(path);
    if (typeof text === 'string') return writeFile(to, text);
    // Gone since it was listed: the program says what it misses, and the change is told.
    await copyFile(join(root, path), to, constants.COPYFILE_FICLONE).catch(unless('ENOENT'));
  };
  return copyTree(inputs, write, signal);
}

let swept: Promise<void> | undefined;

async function removeLeftBehind(): Promise<void> {
  const folder = tmpdir();
  for (const name of await readdir(folder)) {
    const [, pid] = /^adit-render-(\d+)-/.exec(name) ?? [];
    if (pid === undefined || isAlive(Number(pid))) continue;
    await rm(join(folder, name), { recursive: true, force: true }).catch(unless('EACCES', 'EPERM'));
  }
}

/** What is another user's stays where it is. */
function unless(...codes: readonly string[]): (error: unknown) => void {
  return (error) => {
    if (!(error instanceof Error && 'code' in error && codes.includes(String(error.code)))) throw error;
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}

function depthAbove(path: string): number {
  return path.split('/').filter((part) => part === '..').length;
}
