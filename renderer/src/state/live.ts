import { create } from 'zustand';
import type {
  CallOutput,
  FileEntry,
  GitStatus,
  KubeState,
  Model,
  PreviewView,
  WorkspaceInfo,
} from '../../../shared/contract/contract.ts';
import type { ExchangeSummary } from '../../../shared/agent/api.ts';

export interface Live {
  readonly connection: 'open' | 'lost';
  readonly info: CallOutput<'appInfo'> | undefined;
  /** `undefined` until the application has answered. */
  readonly workspace: WorkspaceInfo | null | undefined;
  readonly recent: readonly { dir: string; name: string }[];
  readonly files: readonly FileEntry[];
  readonly model: Model;
  readonly preview: PreviewView | undefined;
  readonly git: GitStatus | undefined;
  readonly kube: KubeState | undefined;
  /** By rising `seq`; the newest {@link KEPT_EXCHANGES}. */
  readonly exchanges: readonly ExchangeSummary[];
}

export const KEPT_EXCHANGES = 5000;
export const emptyModel: Model = {
  revision: 0,
  objects: [],
  diagnostics: [],
  graph: { nodes: [], edges: [] },
  rendering: false,
};

/** What the application said last: filled by calls at the start, kept up to date by events (`attach-live.ts`). */
export const useLive = create<Live>()(() => ({
  connection: 'open',
  info: undefined,
  workspace: undefined,
  recent: [],
  files: [],
  model: emptyModel,
  preview: undefined,
  git: undefined,
  kube: undefined,
  exchanges: [],
}));
