import type { GitChange, GitStatus } from '../../shared/contract/contract.ts';
import type { Result } from '../../shared/result/result.ts';
import { ok } from '../../shared/result/result.ts';
import { git } from './git.ts';

/** Shown changes; a repository with more says so in `message`. */
const MAX_CHANGES = 5_000;

/**
 * Branch, upstream and changes below `cwd`, with paths relative to it. No repository and no `git` are states, not
 * failures. Takes no lock, so that looking never disturbs a Git process of the user.
 */
export async function gitStatus(cwd: string, signal?: AbortSignal): Promise<Result<GitStatus>> {
  const prefix = await git(['rev-parse', '--show-prefix'], cwd, { signal });
  if (!prefix.ok) {
    const { code, message } = prefix.error;
    if (code === 'git-missing') return ok({ state: 'missing', ahead: 0, behind: 0, changes: [], message });
    if (code === 'git-no-repository') return ok({ state: 'none', ahead: 0, behind: 0, changes: [] });
    return prefix;
  }
  const output = await git(
    [
      '--no-optional-locks',
      'status',
      '--porcelain=v2',
      '-z',
      '--branch',
      '--untracked-files=all',
      '--renames',
      '--',
      '.',
    ],
    cwd,
    { signal, maxOutputBytes: 64 * 1024 * 1024 },
  );
  if (!output.ok) return output;
  return ok(parseStatus(output.value.stdout.toString('utf8'), prefix.value.stdout.toString('utf8').replace(/\n$/, '')));
}

/**
 * Reads `git status --porcelain=v2 -z --branch` (git-status: “Porcelain Format Version 2”). `prefix` is the folder
 * below the repository's root, ending in `/` or empty; paths outside of it are left out.
 */
export function parseStatus(text: string, prefix: string): GitStatus {
  const changes: GitChange[] = [];
  const head: { -readonly [K in 'branch' | 'head' | 'upstream']?: string } = {};
  let [ahead, behind] = [0, 0];
  const inside = (path: string): string | undefined =>
    path.startsWith(prefix) ? path.slice(prefix.length) : undefined;
  const add = (path: string | undefined, status: GitChange['status'], from?: string): void => {
    const relative = path === undefined ? undefined : inside(path);
    if (relative === undefined || relative === '') return;
    const old = from === undefined ? undefined : inside(from);
    changes.push({
      path: relative,
      status: status === 'renamed' && old === undefined ? 'added' : status,
      ...(old === undefined ? {} : { from: old }),
    });
  };

  const records = text.split('\0').values();
  for (const record of records) {
    switch (record[0]) {
      case '#': {
        const [, key, ...rest] = record.split(' ');
        const value = rest.join(' ');
        if (key === 'branch.oid' && value !== '(initial)') head.head = value;
        if (key === 'branch.head' && value !== '(detached)') head.branch = value;
        if (key === 'branch.upstream') head.upstream = value;
        if (key === 'branch.ab') [ahead = 0, behind = 0] = value.split(' ').map((part) => Math.abs(Number(part)));
        break;
      }
      // `1 XY sub mH mI mW hH hI path`
      case '1':
        add(field(record, 8), ordinary(record.slice(2, 4)));
        break;
      // `2 XY sub mH mI mW hH hI Xscore path`, then the old path as a record of its own
      case '2': {
        const from = records.next().value;
        add(field(record, 9), record[2] === 'C' ? 'added' : 'renamed', record[2] === 'C' ? undefined : from);
        break;
      }
      // `u XY sub m1 m2 m3 mW h1 h2 h3 path`
      case 'u':
        add(field(record, 10), 'conflicted');
        break;
      case '?':
        add(record.slice(2), 'untracked');
        break;
      default:
        break;
    }
  }
  changes.sort((a, b) => (a.path < b.path ? -1 : 1));
  const more = changes.length - MAX_CHANGES;
  return {
    state: 'ready',
    ...head,
    ahead,
    behind,
    changes: changes.slice(0, MAX_CHANGES),
    ...(more > 0 ? { message: `${more} more changes are not shown` } : {}),
  };
}

/** The rest of a record after `count` fields; a path may contain spaces. */
function field(record: string, count: number): string | undefined {
  let at = 0;
  for (let index = 0; index < count; index += 1) {
    at = record.indexOf(' ', at) + 1;
    if (at === 0) return undefined;
  }
  return record.slice(at);
}

/** `XY`: index against HEAD, and working tree against index. */
function ordinary(xy: string): GitChange['status'] {
  const [index, tree] = [xy[0], xy[1]];
  if (tree === 'D' || (index === 'D' && tree === '.')) return 'deleted';
  return index === 'A' ? 'added' : 'modified';
}
