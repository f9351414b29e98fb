import type { Handlers } from '../../shared/contract/contract.ts';
import { ok } from '../../shared/result/result.ts';
import { gitClone } from '../git/git-clone.ts';
import { browseFolders } from '../workspace/browse-folders.ts';
import { openSample } from '../workspace/open-sample.ts';
import type { RecentWorkspaces } from '../workspace/recent-workspaces.ts';
import type { CurrentWorkspace } from './current-workspace.ts';

type Names = Extract<keyof Handlers, `workspace${string}` | `file${string}`>;

export function workspaceCalls(
  current: CurrentWorkspace,
  recent: RecentWorkspaces,
  options: { readonly sampleDir: string; readonly stateDir: string; readonly warn: (message: string) => void },
): Pick<Handlers, Names> {
  return {
    workspaceCurrent: async () =>
      ok({ workspace: current.get()?.workspace.info() ?? null, recent: [...recent.list()] }),
    workspaceOpen: ({ dir }) => current.open(dir),
    workspaceOpenSample: async (_input, signal) => {
      const dir = await openSample(options.sampleDir, options.stateDir, options.warn, signal);
      return dir.ok ? current.open(dir.value) : dir;
    },
    workspaceClone: async ({ url, dir }, signal) => {
      const cloned = await gitClone(url, dir, signal);
      return cloned.ok ? current.open(cloned.value.dir) : cloned;
    },
    workspaceBrowse: ({ dir }) => browseFolders(dir),

    fileList: async () => {
      const open = current.need();
      return open.ok ? ok({ files: open.value.workspace.files() }) : open;
    },
    fileRead: async ({ path }) => {
      const open = current.need();
      return open.ok ? open.value.workspace.read(path) : open;
    },
    fileSave: async ({ path, text, baseVersion }) => {
      const open = current.need();
      return open.ok ? open.value.workspace.save(path, text, baseVersion) : open;
    },
    fileDraft: async ({ path, text, baseVersion }) => {
      const open = current.need();
      return open.ok ? open.value.workspace.draft(path, text, baseVersion) : open;
    },
    fileRename: async ({ from, to }) => {
      const open = current.need();
      return open.ok ? open.value.workspace.rename(from, to) : open;
    },
    fileDelete: async ({ path }) => {
      const open = current.need();
      return open.ok ? open.value.workspace.remove(path) : open;
    },
  };
}
