import type { Result } from '../../shared/result/result.ts';
import { ok } from '../../shared/result/result.ts';
import { failed } from '../errors.ts';
import { git } from './git.ts';

const PUSH_TIMEOUT_MS = 5 * 60_000;

/** Pushes the current branch; the first time it also sets the upstream, on the remote that Git would choose. */
export async function gitPush(cwd: string, signal?: AbortSignal): Promise<Result<{ pushed: boolean }>> {
  const branch = await git(['symbolic-ref', '--quiet', '--short', 'HEAD'], cwd, { signal, successCodes: [0, 1] });
  if (!branch.ok) return branch;
  const name = branch.value.stdout.toString('utf8').trim();
  if (branch.value.exit !== 0 || name === '') return failed('git-detached');
  const upstream = await git(['config', '--get', `branch.${name}.merge`], cwd, { signal, successCodes: [0, 1] });
  if (!upstream.ok) return upstream;
  let target: string[] = [];
  if (upstream.value.exit !== 0) {
    const remote = await pushRemote(cwd, name, signal);
    if (!remote.ok) return remote;
    target = ['--set-upstream', remote.value, name];
  }
  const pushed = await git(['push', '--porcelain', ...target], cwd, { timeoutMs: PUSH_TIMEOUT_MS, signal });
  return pushed.ok ? ok({ pushed: true }) : pushed;
}

async function pushRemote(cwd: string, branch: string, signal?: AbortSignal): Promise<Result<string>> {
  for (const key of [`branch.${branch}.pushRemote`, 'remote.pushDefault', `branch.${branch}.remote`]) {
    const found = await git(['config', '--get', key], cwd, { signal, successCodes: [0, 1] });
    if (!found.ok) return found;
    if (found.value.exit === 0) return ok(found.value.stdout.toString('utf8').trim());
  }
  const remotes = await git(['remote'], cwd, { signal });
  if (!remotes.ok) return remotes;
  const names = remotes.value.stdout.toString('utf8').split('\n').filter(Boolean);
  const chosen = names.includes('origin') ? 'origin' : names[0];
  return chosen === undefined ? failed('git-no-remote') : ok(chosen);
}
