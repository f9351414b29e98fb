import { cp, mkdir, realpath, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Result } from '../../shared/result/result.ts';
import { ok } from '../../shared/result/result.ts';
import { failed, reason } from '../errors.ts';
import { git } from '../git/git.ts';
import { gitInit } from '../git/git-init.ts';
import { CLOSED_FOLDERS, isInside } from './workspace-path.ts';

/** Folder of the state folder that copies of samples live in. */
const SAMPLES = 'workspaces';

/** Whether a workspace is a copy of a sample. Both paths real. */
export async function isSample(stateDir: string, dir: string): Promise<boolean> {
  const samples = await realpath(path.join(stateDir, SAMPLES)).catch(() => undefined);
  return samples !== undefined && isInside(samples, dir);
}

export async function sampleAvailable(sampleDir: string): Promise<boolean> {
  return stat(sampleDir).then(
    (info) => info.isDirectory(),
    () => false,
  );
}

/**
 * The user's own copy of the sample, a Git repository with one commit; made when it is not there, else as it was left.
 * Without `git` it is a plain folder. Where nobody is named to Git, the copy gets a name of its own, so that a first
 * commit works on a fresh machine.
 */
export async function openSample(
  sampleDir: string,
  stateDir: string,
  warn: (message: string) => void,
  signal?: AbortSignal,
): Promise<Result<string>> {
  const target = path.join(stateDir, SAMPLES, path.basename(sampleDir));
  if (await sampleAvailable(target)) return ok(target);
  if (!(await sampleAvailable(sampleDir))) return failed('sample-missing');
  const making = `${target}.${process.pid}.new`;
  try {
    await mkdir(path.dirname(target), { recursive: true, mode: 0o700 });
    await rm(making, { recursive: true, force: true });
    await cp(sampleDir, making, { recursive: true, filter: (source) => !CLOSED_FOLDERS.has(path.basename(source)) });
    const made = await makeRepository(making, signal);
    if (!made.ok) warn(`the sample has no repository: ${made.error.message} ${made.error.detail ?? ''}`);
    await rename(making, target);
    return ok(target);
  } catch (error) {
    await rm(making, { recursive: true, force: true });
    return failed('sample-failed', { dir: target, problem: reason(error) });
  }
}

async function makeRepository(dir: string, signal?: AbortSignal): Promise<Result<unknown>> {
  const init = await gitInit(dir, signal);
  if (!init.ok) return init;
  const identity = await git(['var', 'GIT_AUTHOR_IDENT'], dir, { signal, successCodes: [0, 1, 128] });
  if (!identity.ok) return identity;
  if (identity.value.exit !== 0 || !(await hasEmail(dir, signal))) {
    for (const [key, value] of [
      ['user.name', 'Adit'],
      ['user.email', 'adit@localhost'],
    ] as const) {
      const set = await git(['config', '--local', key, value], dir, { signal });
      if (!set.ok) return set;
    }
  }
  const added = await git(['add', '--all'], dir, { signal });
  if (!added.ok) return added;
  // The commit is ours, not the user's: it asks for no key.
  return git(['-c', 'commit.gpgSign=false', 'commit', '--quiet', '--message=Sample workspace'], dir, { signal });
}

/** Git would make an address up from user and machine name; that is nobody's. */
async function hasEmail(dir: string, signal?: AbortSignal): Promise<boolean> {
  if (process.env['GIT_AUTHOR_EMAIL'] !== undefined || process.env['EMAIL'] !== undefined) return true;
  const email = await git(['config', '--get', 'user.email'], dir, { signal, successCodes: [0, 1] });
  return email.ok && email.value.exit === 0;
}
