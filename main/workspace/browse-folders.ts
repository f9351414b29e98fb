import { readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import type { CallOutput } from '../../shared/contract/contract.ts';
import type { Result } from '../../shared/result/result.ts';
import { ok } from '../../shared/result/result.ts';
import { failed, reason, systemCode } from '../errors.ts';

const SHOWN = 2_000;

/** Names of the folders in a folder of the machine (default: the user's own), for choosing one. Hidden ones are left out. */
export async function browseFolders(dir: string | undefined): Promise<Result<CallOutput<'workspaceBrowse'>>> {
  const folder = path.resolve(dir ?? homedir());
  try {
    const children = await readdir(folder, { withFileTypes: true });
    const folders = children
      .filter((child) => (child.isDirectory() || child.isSymbolicLink()) && !child.name.startsWith('.'))
      .map((child) => child.name)
      .toSorted((a, b) => a.localeCompare(b))
      .slice(0, SHOWN);
    const parent = path.dirname(folder);
    return ok({ dir: folder, parent: parent === folder ? null : parent, folders });
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT') return failed('workspace-missing', { dir: folder });
    if (code === 'ENOTDIR') return failed('workspace-not-folder', { dir: folder });
    return failed('workspace-unreadable', {
      dir: folder,
      problem: code === 'EACCES' ? 'permission denied' : reason(error),
    });
  }
}
