import { access, constants, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Result } from '../../shared/result/result.ts';
import { ok } from '../../shared/result/result.ts';
import { failed } from '../errors.ts';
import { pathProblem } from '../workspace/workspace-path.ts';
import { git } from './git.ts';
import { gitStatus } from './git-status.ts';

export interface CommitRequest {
  readonly paths: readonly string[];
  readonly message: string;
  readonly signOff: boolean;
}

/** Hooks may run a whole test suite. */
const COMMIT_TIMEOUT_MS = 10 * 60_000;

/**
 * Commits exactly these paths as they are on disk, new and removed files included; what else is staged stays staged
 * and uncommitted. Hooks run and signing works as configured. Answers the new commit.
 */
export async function gitCommit(
  cwd: string,
  request: CommitRequest,
  signal?: AbortSignal,
): Promise<Result<{ sha: string }>> {
  for (const file of request.paths) {
    const problem = pathProblem(file);
    if (problem !== undefined) return failed('path-invalid', { path: file, problem });
  }
  const status = await gitStatus(cwd, signal);
  if (!status.ok) return status;
  if (status.value.state === 'missing') return failed('git-missing');
  if (status.value.state === 'none') return failed('git-no-repository');
  const chosen = new Set(request.paths);
  const changed = status.value.changes.filter((change) => chosen.has(change.path));
  if (changed.length === 0) return failed('git-nothing-to-commit');
  if (changed.some((change) => change.status === 'conflicted')) return failed('git-conflicts');
  // A rename is one change for a person and two paths for Git.
  const paths = [...new Set(changed.flatMap(({ path: file, from }) => (from === undefined ? [file] : [file, from])))];
  const list = paths.map((file) => `${file}\0`).join('');

  const fresh = changed.filter((change) => change.status === 'untracked').map((change) => change.path);
  if (fresh.length > 0) {
    const added = await git(['add', '--pathspec-from-file=-', '--pathspec-file-nul'], cwd, {
      stdin: fresh.map((file) => `${file}\0`).join(''),
      signal,
    });
    if (!added.ok) return added;
  }
  // The message has standard input; the paths go through a file, as there may be more than a command line holds.
  const folder = await mkdtemp(path.join(tmpdir(), 'adit-commit-'));
  try {
    const pathsFile = path.join(folder, 'paths');
    await writeFile(pathsFile, list, { mode: 0o600 });
    const args = [
      'commit',
      '--only',
      '--file=-',
      '--cleanup=whitespace',
      `--pathspec-from-file=${pathsFile}`,
      '--pathspec-file-nul',
      ...(request.signOff ? ['--signoff'] : []),
    ];
    const made = await git(args, cwd, { stdin: request.message, timeoutMs: COMMIT_TIMEOUT_MS, signal });
    if (!made.ok) {
      await unstage(cwd, fresh);
      return made.error.code === 'git-failed' && (await hasCommitHook(cwd))
        ? failed('git-hook-refused', {}, made.error.detail)
        : made;
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const head = await git(['rev-parse', 'HEAD'], cwd, { signal });
  return head.ok ? ok({ sha: head.value.stdout.toString('utf8').trim() }) : head;
}

/** A refused commit leaves new files as untracked as they were. */
async function unstage(cwd: string, fresh: readonly string[]): Promise<void> {
  if (fresh.length === 0) return;
  const list = fresh.map((file) => `${file}\0`).join('');
  await git(['rm', '--cached', '--quiet', '--force', '--pathspec-from-file=-', '--pathspec-file-nul'], cwd, {
    stdin: list,
  });
}

async function hasCommitHook(cwd: string): Promise<boolean> {
  for (const name of ['pre-commit', 'prepare-commit-msg', 'commit-msg']) {
    const file = await git(['rev-parse', '--git-path', `hooks/${name}`], cwd);
    if (file.ok && (await isExecutable(path.resolve(cwd, file.value.stdout.toString('utf8').trim())))) return true;
  }
  return false;
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
