import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const SOURCES = ['shared', 'agent', 'broker', 'control', 'main', 'renderer', 'cli'];
const FILES = ['package.json', 'package-lock.json', 'scripts/build.ts', 'scripts/lean-chunks.ts'];

/** Where the digest of the sources is kept that `dist/` was built from. */
export const STAMP = 'dist/.built-from';

/** Changes when any source of the build does: names, sizes and times of change of all files. */
export async function sourceDigest(): Promise<string> {
  const hash = createHash('sha256');
  const add = async (path: string): Promise<void> => {
    const info = await stat(join(root, path));
    hash.update(`${path}\0${info.size}\0${info.mtimeMs}\n`);
  };
  for (const folder of SOURCES) {
    const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
    const paths = entries
      .filter((entry) => entry.isFile() && !/\.test\.tsx?$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
    for (const path of paths.toSorted()) await add(path);
  }
  for (const path of FILES) await add(path);
  return hash.digest('hex');
}

export async function isBuilt(): Promise<boolean> {
  const built = await readFile(join(root, STAMP), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return '';
  });
  return built !== '' && built === (await sourceDigest());
}
