import type { Handlers } from '../../shared/contract/contract.ts';
import type { Result } from '../../shared/result/result.ts';
import { ok } from '../../shared/result/result.ts';
import { committed, gitDiff } from '../git/git-diff.ts';
import { gitCommit } from '../git/git-commit.ts';
import { gitInit } from '../git/git-init.ts';
import { gitPush } from '../git/git-push.ts';
import { proposeMessage, type ChangedFile } from '../git/propose-message.ts';
import { decode } from '../workspace/text-file.ts';
import type { CurrentWorkspace, Open } from './current-workspace.ts';

type Names = Extract<keyof Handlers, `git${string}`>;

/** Beyond this many files a proposed message counts instead of reading. */
const MAX_READ = 500;

export function gitCalls(current: CurrentWorkspace): Pick<Handlers, Names> {
  const withOpen = async <T>(work: (open: Open) => Promise<Result<T>>): Promise<Result<T>> => {
    const open = current.need();
    return open.ok ? work(open.value) : open;
  };
  return {
    gitStatus: () => withOpen(({ repository }) => repository.refresh()),
    gitInit: (_input, signal) =>
      withOpen(async ({ workspace, repository }) => {
        const made = await gitInit(workspace.dir, signal);
        return made.ok ? repository.refresh() : made;
      }),
    gitDiff: ({ path }, signal) =>
      withOpen(async (open) => {
        const from = await oldPaths(open);
        return from.ok ? gitDiff(open.workspace.dir, path, from.value.get(path), signal) : from;
      }),
    gitProposeMessage: ({ paths }, signal) =>
      withOpen(async (open) => {
        const from = await oldPaths(open);
        if (!from.ok) return from;
        const files = await changedFiles(open, paths, from.value, signal);
        return files.ok ? ok({ message: proposeMessage(files.value, open.workspace.info().namespace) }) : files;
      }),
    gitCommit: ({ paths, message, signOff, push }, signal) =>
      withOpen(async ({ workspace, repository }) => {
        const made = await gitCommit(workspace.dir, { paths, message, signOff }, signal);
        if (!made.ok) return made;
        const pushed = push ? await gitPush(workspace.dir, signal) : undefined;
        await repository.refresh();
        if (pushed === undefined || pushed.ok) return ok({ sha: made.value.sha, pushed: pushed !== undefined });
        const { message: why, hint, detail } = pushed.error;
        return ok({
          sha: made.value.sha,
          pushed: false,
          pushError: {
            message: why,
            ...(hint === undefined ? {} : { hint }),
            ...(detail === undefined ? {} : { detail }),
          },
        });
      }),
    gitPush: (_input, signal) =>
      withOpen(async ({ workspace, repository }) => {
        const pushed = await gitPush(workspace.dir, signal);
        await repository.refresh();
        return pushed;
      }),
  };
}

/** New path → old path of what Git sees as renamed. */
async function oldPaths({ repository }: Open): Promise<Result<ReadonlyMap<string, string>>> {
  const status = await repository.refresh();
  if (!status.ok) return status;
  return ok(new Map(status.value.changes.flatMap(({ path, from }) => (from === undefined ? [] : [[path, from]]))));
}

async function changedFiles(
  { workspace }: Open,
  paths: readonly string[],
  from: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<Result<ChangedFile[]>> {
  const files: ChangedFile[] = [];
  for (const [index, path] of paths.entries()) {
    if (index >= MAX_READ) {
      files.push({ path, before: '', after: '' });
      continue;
    }
    const before = await committed(workspace.dir, from.get(path) ?? path, signal);
    // A file too large to compare is still a change with a name.
    const text = before.ok ? before.value : Buffer.alloc(0);
    if (!before.ok && before.error.code === 'aborted') return before;
    const after = await workspace.read(path);
    files.push({
      path,
      before: text === null ? null : (decode(text) ?? ''),
      after: after.ok ? after.value.text : after.error.code === 'file-missing' ? null : '',
    });
  }
  return ok(files);
}
