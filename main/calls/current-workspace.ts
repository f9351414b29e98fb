import type { EventPayload, GitStatus, WorkspaceInfo } from '../../shared/contract/contract.ts';
import type { Result } from '../../shared/result/result.ts';
import { ok } from '../../shared/result/result.ts';
import { failed } from '../errors.ts';
import { watchRepository, type RepositoryWatch } from '../git/repository-watch.ts';
import { isSample } from '../workspace/open-sample.ts';
import type { RecentWorkspaces } from '../workspace/recent-workspaces.ts';
import { openWorkspace, type Workspace, type WorkspaceEvent } from '../workspace/workspace.ts';

export interface Open {
  readonly workspace: Workspace;
  readonly repository: RepositoryWatch;
}

export interface CurrentWorkspaceOptions {
  readonly stateDir: string;
  readonly recent: RecentWorkspaces;
  readonly warn: (message: string) => void;
  readonly onGit: (status: GitStatus) => void;
  readonly onWorkspace: (workspace: WorkspaceInfo | null) => void;
  readonly onFiles: (payload: EventPayload<'files'>) => void;
  readonly onFileChanged: (payload: EventPayload<'fileChanged'>) => void;
  /** A text, a draft or `adit.yaml` changed. */
  readonly onTexts: () => void;
  /** Files that hold no manifests, or drafts of them, are others. */
  readonly onOthers: (paths: readonly string[]) => void;
  /** Before another workspace takes the place of this one, and when it has. */
  readonly onLeave: () => Promise<void>;
  readonly onEnter: (workspace: Workspace) => void;
}

/** The one workspace that is open, or none. Opening happens one after the other. */
export interface CurrentWorkspace {
  get(): Open | undefined;
  /** The open workspace, or the failure that none is. */
  need(): Result<Open>;
  open(dir: string): Promise<Result<WorkspaceInfo>>;
  close(): Promise<void>;
}

const FILES_SETTLE_MS = 30;

export function createCurrentWorkspace(options: CurrentWorkspaceOptions): CurrentWorkspace {
  let open: Open | undefined;
  let queue: Promise<unknown> = Promise.resolve();
  let filesTimer: NodeJS.Timeout | undefined;
  let info = '';

  const onEvent = (own: Open, event: WorkspaceEvent): void => {
    if (open !== own) return;
    own.repository.filesChanged();
    if (event.type === 'outside') options.onFileChanged({ path: event.path, version: event.version });
    if (event.type === 'files') {
      filesTimer ??= setTimeout(() => {
        filesTimer = undefined;
        if (open === own) options.onFiles({ files: own.workspace.files() });
      }, FILES_SETTLE_MS);
    }
    if (event.type === 'others') options.onOthers(event.paths);
    if (event.type === 'texts') {
      tellInfo(own);
      options.onTexts();
    }
  };
  /** Name and namespace follow `adit.yaml`. */
  const tellInfo = (own: Open): WorkspaceInfo => {
    const now = own.workspace.info();
    if (JSON.stringify(now) !== info) {
      info = JSON.stringify(now);
      options.onWorkspace(now);
    }
    return now;
  };
  const leave = async (): Promise<void> => {
    if (open === undefined) return;
    const { workspace, repository } = open;
    open = undefined;
    info = '';
    clearTimeout(filesTimer);
    filesTimer = undefined;
    repository.close();
    await options.onLeave();
    await workspace.close();
  };
  const enter = async (dir: string): Promise<Result<WorkspaceInfo>> => {
    const opened = await openWorkspace({
      dir,
      stateDir: options.stateDir,
      warn: options.warn,
      isSample: (real) => isSample(options.stateDir, real),
    });
    if (!opened.ok) return opened;
    const workspace = opened.value;
    await leave();
    const own: Open = { workspace, repository: watchRepository(workspace.dir, options.onGit, options.warn) };
    open = own;
    workspace.onEvent((event) => onEvent(own, event));
    options.onEnter(workspace);
    const now = tellInfo(own);
    void own.repository.refresh();
    await options.recent
      .add({ dir: now.dir, name: now.name })
      .catch((error: unknown) => options.warn(`the list of recent workspaces was not kept: ${String(error)}`));
    return ok(now);
  };
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = queue.then(work);
    queue = turn.catch(() => undefined);
    return turn;
  };

  return {
    get: () => open,
    need: () => (open === undefined ? failed('no-workspace') : ok(open)),
    open: (dir) => inTurn(() => enter(dir)),
    close: () => inTurn(leave),
  };
}
