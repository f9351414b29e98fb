import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { GitStatus } from '../../shared/contract/contract.ts';
import type { Result } from '../../shared/result/result.ts';
import { git } from './git.ts';
import { gitStatus } from './git-status.ts';

const SETTLE_MS = 200;
const LOOK_MS = 2_000;
/** Files of Git's own folder that change when something is committed, staged, checked out or fetched. */
const SIGNS = ['HEAD', 'index', 'logs/HEAD', 'FETCH_HEAD', 'packed-refs', 'MERGE_HEAD'];

/** The status of one workspace's repository, kept current. */
export interface RepositoryWatch {
  /** Asks Git now. A call while Git is asked waits for one more answer, so that it has seen what came before. */
  refresh(): Promise<Result<GitStatus>>;
  /** Tell that files changed: the status follows soon. */
  filesChanged(): void;
  close(): void;
}

export function watchRepository(
  dir: string,
  onStatus: (status: GitStatus) => void,
  warn: (message: string) => void,
): RepositoryWatch {
  const abort = new AbortController();
  let running: Promise<Result<GitStatus>> | undefined;
  let next: Promise<Result<GitStatus>> | undefined;
  let settle: NodeJS.Timeout | undefined;
  let told = '';
  let signs = '';
  let gitDir: string | undefined;

  const ask = async (): Promise<Result<GitStatus>> => {
    const status = await gitStatus(dir, abort.signal);
    if (abort.signal.aborted) return status;
    if (!status.ok) {
      warn(`git status of ${dir}: ${status.error.message} ${status.error.detail ?? ''}`);
      return status;
    }
    const text = JSON.stringify(status.value);
    if (text !== told) {
      told = text;
      onStatus(status.value);
    }
    return status;
  };
  const run = (): Promise<Result<GitStatus>> => {
    const current = ask().finally(() => {
      if (running === current) running = undefined;
    });
    running = current;
    return current;
  };
  const refresh = (): Promise<Result<GitStatus>> => {
    if (running === undefined) return run();
    next ??= running.then(() => {
      next = undefined;
      return run();
    });
    return next;
  };
  const findGitDir = async (): Promise<string | undefined> => {
    const found = await git(['rev-parse', '--absolute-git-dir'], dir, { signal: abort.signal });
    return found.ok ? found.value.stdout.toString('utf8').trim() : undefined;
  };
  const look = async (): Promise<void> => {
    gitDir = (await stat(gitDir ?? dir).then(() => gitDir, absent)) ?? (await findGitDir());
    const now = gitDir === undefined ? '' : `${gitDir} ${await readSigns(gitDir)}`;
    if (now === signs || abort.signal.aborted) return;
    signs = now;
    await refresh();
  };
  const looker = setInterval(() => {
    look().catch((error: unknown) => warn(`looking at the repository of ${dir}: ${String(error)}`));
  }, LOOK_MS);
  looker.unref();

  return {
    refresh,
    filesChanged: () => {
      settle ??= setTimeout(() => {
        settle = undefined;
        void refresh();
      }, SETTLE_MS);
    },
    close: () => {
      abort.abort();
      clearTimeout(settle);
      clearInterval(looker);
    },
  };
}

/** Times of the signs in one text. Costs a few `stat` and no process. */
async function readSigns(gitDir: string): Promise<string> {
  const times = await Promise.all(
    SIGNS.map((name) => stat(path.join(gitDir, name)).then((info) => info.mtimeMs, absent)),
  );
  return times.join(' ');
}

function absent(): undefined {
  return undefined;
}
