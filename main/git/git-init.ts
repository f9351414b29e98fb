import type { Result } from '../../shared/result/result.ts';
import { ok } from '../../shared/result/result.ts';
import { git } from './git.ts';

/** Makes the folder a repository with the branch that the user's configuration wants first, else `main`. */
export async function gitInit(cwd: string, signal?: AbortSignal): Promise<Result<Record<string, never>>> {
  const wanted = await git(['config', '--get', 'init.defaultBranch'], cwd, { signal, successCodes: [0, 1] });
  if (!wanted.ok) return wanted;
  const branch = wanted.value.exit === 0 ? [] : ['--initial-branch=main'];
  const made = await git(['init', '--quiet', ...branch], cwd, { signal });
  return made.ok ? ok({}) : made;
}
