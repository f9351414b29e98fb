import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import type { Result } from '../../shared/result/result.ts';
import { ok } from '../../shared/result/result.ts';
import { failed, reason, systemCode } from '../errors.ts';
import { git } from './git.ts';

const CLONE_TIMEOUT_MS = 30 * 60_000;

/** Clones into a folder that does not exist yet, or is empty. A cancelled clone is removed by Git itself. */
export async function gitClone(url: string, dir: string, signal?: AbortSignal): Promise<Result<{ dir: string }>> {
  const target = path.resolve(dir);
  const parent = path.dirname(target);
  try {
    const children = await readdir(target).catch((error: unknown) => {
      if (systemCode(error) === 'ENOENT') return [];
      throw error;
    });
    if (children.length > 0) return failed('workspace-not-empty', { dir: target });
    await mkdir(parent, { recursive: true });
  } catch (error) {
    if (systemCode(error) === 'ENOTDIR') return failed('workspace-not-folder', { dir: target });
    return failed('workspace-unreadable', { dir: target, problem: reason(error) });
  }
  // `ext::` would let an address run a command; Git refuses it by default, and stays told so whatever is configured.
  const cloned = await git(['-c', 'protocol.ext.allow=never', 'clone', '--quiet', '--', url, target], parent, {
    timeoutMs: CLONE_TIMEOUT_MS,
    signal,
  });
  return cloned.ok ? ok({ dir: target }) : cloned;
}
