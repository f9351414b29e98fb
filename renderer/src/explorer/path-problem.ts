import type { FileEntry } from '../../../shared/contract/contract.ts';

/** Why a path of the workspace cannot be taken; `null` when it can. */
export function pathProblem(path: string, files: readonly FileEntry[]): string | null {
  const parts = path.split('/');
  if (path.trim() === '') return 'Give it a name.';
  if (path.startsWith('/') || path.includes('\\')) return 'Use a path below the workspace, with /.';
  if (parts.some((part) => part === '' || part === '.' || part === '..'))
    return 'No part of the path may be empty, "." or "..".';
  if (parts.includes('.git')) return 'The folder .git belongs to Git.';
  if (files.some((file) => file.path === path)) return 'There is a file or folder of this name.';
  const file = files.find((one) => one.kind === 'file' && path.startsWith(`${one.path}/`));
  return file ? `${file.path} is a file, not a folder.` : null;
}
