import { lstat, realpath } from 'node:fs/promises';
import path from 'node:path';
import type { Result } from '../../shared/result/result.ts';
import { failed, reason, systemCode } from '../errors.ts';

/** Folders that are never listed, read or written: Git's own data and installed packages. */
export const CLOSED_FOLDERS: ReadonlySet<string> = new Set(['.git', 'node_modules']);

/** Why a path (relative, `/` between parts) cannot name something in a workspace; undefined when it can. Pure. */
export function pathProblem(relative: string): string | undefined {
  if (relative === '') return 'it is empty';
  if (relative.length > 4096) return 'it is too long';
  if (relative.includes('\0')) return 'it contains a NUL character';
  if (relative.includes('\\')) return 'it contains a backslash';
  if (path.posix.isAbsolute(relative) || /^[a-z]:/i.test(relative)) return 'it is absolute';
  if (relative.startsWith('../')) return 'it lies outside of the workspace';
  for (const part of relative.split('/')) {
    if (part === '') return 'it has an empty part';
    if (part === '.' || part === '..') return `it contains “${part}”`;
    // Case is folded because `.GIT` is `.git` on the file systems of macOS and Windows.
    if (CLOSED_FOLDERS.has(part.toLowerCase())) return `${part} is not open for editing`;
  }
  return undefined;
}

/**
 * The real path of a workspace path: symbolic links are followed, and one that leads out of the workspace is refused.
 * The file, and folders above it, need not exist yet. `root` must be a real path.
 */
export async function resolveInside(root: string, relative: string): Promise<Result<string>> {
  const problem = pathProblem(relative);
  if (problem !== undefined) return failed('path-invalid', { path: relative, problem });
  const wanted = path.join(root, ...relative.split('/'));
  const missing: string[] = [];
  let existing = wanted;
  for (;;) {
    try {
      const real = await realpath(existing);
      const whole = path.join(real, ...missing);
      if (!isInside(root, whole))
        return failed('path-invalid', { path: relative, problem: 'a symbolic link leads out of the workspace' });
      const within = path.relative(root, whole).split(path.sep).join('/');
      const realProblem = pathProblem(within);
      if (realProblem !== undefined) return failed('path-invalid', { path: relative, problem: realProblem });
      return { ok: true, value: whole };
    } catch (error) {
      const code = systemCode(error);
      if (code !== 'ENOENT') return failed('file-io', { path: relative, problem: reason(error) });
      if (existing === root) return failed('workspace-missing', { dir: root });
      if (await isDanglingLink(existing))
        return failed('path-invalid', { path: relative, problem: 'a symbolic link leads nowhere' });
      missing.unshift(path.basename(existing));
      existing = path.dirname(existing);
    }
  }
}

/** Whether `candidate` is below `root`; both absolute. `/a-evil` is not below `/a`. */
export function isInside(root: string, candidate: string): boolean {
  const relative = path.relative(root, candidate);
  return relative !== '' && relative !== '..' && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative);
}

async function isDanglingLink(file: string): Promise<boolean> {
  try {
    return (await lstat(file)).isSymbolicLink();
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}
