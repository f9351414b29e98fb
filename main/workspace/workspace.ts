import { mkdir, rename, rm, stat, realpath, readdir } from 'node:fs/promises';
import path from 'node:path';
import { readCustomRules, type CustomRules } from '../../shared/manifests/index.ts';
import type { Diagnostic } from '../../shared/manifests/types.ts';
import type { FileContent, FileEntry, WorkspaceInfo } from '../../shared/contract/contract.ts';
import type { Result } from '../../shared/result/result.ts';
import { ok } from '../../shared/result/result.ts';
import { WORKSPACE_CONFIG_FILE, type WorkspaceConfig } from '../../shared/workspace/adit-yaml.ts';
import { parseWorkspaceConfig } from '../../shared/workspace/parse-config.ts';
import { failed, reason, systemCode } from '../errors.ts';
import { openDraftStore, type Draft, type DraftStore } from './draft-store.ts';
import type { FilesChange } from './files-change.ts';
import { isText, openLiveFiles, type LiveFiles } from './live-files.ts';
import { ioFailure, readTextFile, saveTextFile } from './text-file.ts';
import { resolveInside } from './workspace-path.ts';

export interface WorkspaceOptions {
  readonly dir: string;
  readonly stateDir: string;
  /** Whether the folder (its real path) is a copy of a sample. */
  readonly isSample?: (dir: string) => Promise<boolean>;
  readonly warn: (message: string) => void;
}

export type WorkspaceEvent =
  | { readonly type: 'files' }
  /** The text of a manifest, or a draft of one, is another. */
  | { readonly type: 'texts' }
  /** Files that hold no manifests, or drafts of them, are others. */
  | { readonly type: 'others'; readonly paths: readonly string[] }
  | { readonly type: 'outside'; readonly path: string; readonly version: string | null };

export interface WorkspaceConfigView {
  readonly config: WorkspaceConfig;
  readonly diagnostics: readonly Diagnostic[];
  readonly customRules: CustomRules;
}

/** One open folder: its files, and the unsaved buffers over them. */
export interface Workspace {
  readonly dir: string;
  info(): WorkspaceInfo;
  config(): WorkspaceConfigView;
  files(): FileEntry[];
  /** Text of every file that may hold manifests, with unsaved buffers in place of what is on disk. */
  texts(): ReadonlyMap<string, string>;
  drafts(): ReadonlyMap<string, Draft>;
  read(file: string): Promise<Result<FileContent>>;
  save(file: string, text: string, baseVersion: string | null): Promise<Result<{ version: string }>>;
  draft(file: string, text: string | null, baseVersion: string): Promise<Result<Record<string, never>>>;
  rename(from: string, to: string): Promise<Result<Record<string, never>>>;
  remove(file: string): Promise<Result<Record<string, never>>>;
  /** Looks at the whole folder now. */
  sweep(): Promise<void>;
  onEvent(listener: (event: WorkspaceEvent) => void): () => void;
  close(): Promise<void>;
}

export async function openWorkspace(options: WorkspaceOptions): Promise<Result<Workspace>> {
  const found = await workspaceFolder(options.dir);
  if (!found.ok) return found;
  const dir = found.value;
  const listeners = new Set<(event: WorkspaceEvent) => void>();
  const tell = (event: WorkspaceEvent): void => {
    for (const listener of listeners) listener(event);
  };
  try {
    const drafts = await openDraftStore(options.stateDir, dir, options.warn);
    const live = await openLiveFiles(dir, (change) => announce(change, tell), options.warn);
    const sample = (await options.isSample?.(dir)) ?? false;
    return ok(makeWorkspace(dir, sample, live, drafts, tell, listeners));
  } catch (error) {
    return failed('workspace-unreadable', { dir, problem: reason(error) });
  }
}

function announce(change: FilesChange, tell: (event: WorkspaceEvent) => void): void {
  if (change.listed) tell({ type: 'files' });
  if (change.texts) tell({ type: 'texts' });
  if (change.others.length > 0) tell({ type: 'others', paths: change.others });
  for (const { path: file, version } of change.changed) tell({ type: 'outside', path: file, version });
}

function makeWorkspace(
  dir: string,
  sample: boolean,
  live: LiveFiles,
  drafts: DraftStore,
  tell: (event: WorkspaceEvent) => void,
  listeners: Set<(event: WorkspaceEvent) => void>,
): Workspace {
  let draftCalls = 0;
  const newestDraft = new Map<string, number>();
  let parsed: { text: string; view: WorkspaceConfigView } | undefined;
  const texts = (): Map<string, string> => {
    const all = new Map(live.texts());
    for (const [file, draft] of drafts.all()) if (isText(file)) all.set(file, draft.text);
    return all;
  };
  const config = (): WorkspaceConfigView => {
    const text = drafts.get(WORKSPACE_CONFIG_FILE)?.text ?? live.texts().get(WORKSPACE_CONFIG_FILE) ?? '';
    if (parsed?.text !== text) parsed = { text, view: viewConfig(text) };
    const { view } = parsed;
    const left = [...live.unreadable()].filter(([file]) => drafts.get(file) === undefined);
    return left.length === 0 ? view : { ...view, diagnostics: [...view.diagnostics, ...left.map(unreadableFile)] };
  };
  const setDraft = async (file: string, draft: Draft | undefined): Promise<void> => {
    if (draft === undefined && drafts.get(file) === undefined) return;
    const before = drafts.get(file);
    const stored = drafts.set(file, draft);
    if ((before === undefined) !== (draft === undefined)) tell({ type: 'files' });
    if (before?.text !== draft?.text) tell(isText(file) ? { type: 'texts' } : { type: 'others', paths: [file] });
    await stored;
  };

  return {
    dir,
    config,
    texts,
    info: () => {
      const { name, namespace } = config().config;
      return { dir, name: name ?? path.basename(dir), namespace, sample };
    },
    files: () =>
      [...live.entries()]
        .map(([name, entry]) => ({
          path: name,
          kind: entry.kind,
          bytes: entry.bytes,
          dirty: drafts.get(name) !== undefined,
        }))
        .toSorted((a, b) => (a.path < b.path ? -1 : 1)),
    drafts: () => drafts.all(),
    read: async (file) => {
      const place = await resolveInside(dir, file);
      if (!place.ok) return place;
      const read = await readTextFile(place.value, file);
      if (!read.ok) return read;
      live.remember(file, read.value.version);
      const draft = drafts.get(file);
      return ok({
        path: file,
        text: read.value.text,
        version: read.value.version,
        ...(draft === undefined ? {} : { draft }),
      });
    },
    save: async (file, text, baseVersion) => {
      const place = await resolveInside(dir, file);
      if (!place.ok) return place;
      const saved = await live.own([file], async (did) => {
        const result = await saveTextFile({ file: place.value, name: file, text, baseVersion });
        if (result.ok) did.wrote(file, result.value.version);
        return result;
      });
      if (saved.ok && drafts.get(file)?.text === text) await setDraft(file, undefined);
      return saved;
    },
    draft: async (file, text, baseVersion) => {
      draftCalls += 1;
      const call = draftCalls;
      const place = await resolveInside(dir, file);
      if (!place.ok) return place;
      // Looking at the disk may take one call longer than a later one: the later text stays.
      if ((newestDraft.get(file) ?? 0) > call) return ok({});
      newestDraft.set(file, call);
      try {
        await setDraft(file, text === null ? undefined : { text, baseVersion, savedAt: new Date().toISOString() });
        return ok({});
      } catch (error) {
        return ioFailure(error, file);
      }
    },
    rename: async (from, to) => {
      const [source, target] = [await resolveInside(dir, from), await resolveInside(dir, to)];
      if (!source.ok) return source;
      if (!target.ok) return target;
      try {
        // The link itself moves, not what it leads to.
        const old = path.join(dir, from);
        const inode = (await stat(old)).ino;
        // On a file system that folds case, `a.yaml` → `A.yaml` finds itself at the target.
        const taken = await stat(path.join(dir, to)).catch(absent);
        if (taken !== undefined && taken.ino !== inode) return failed('file-exists', { path: to });
        await live.own([from, to], async (did) => {
          await mkdir(path.dirname(path.join(dir, to)), { recursive: true });
          await rename(old, path.join(dir, to));
          did.moved(from, to);
        });
        const moved = [...drafts.all()].filter(([file]) => file === from || file.startsWith(`${from}/`));
        for (const [file, draft] of moved) {
          await setDraft(to + file.slice(from.length), draft);
          await setDraft(file, undefined);
        }
        return ok({});
      } catch (error) {
        return ioFailure(error, from);
      }
    },
    remove: async (file) => {
      const place = await resolveInside(dir, file);
      if (!place.ok) return place;
      try {
        await live.own([file], async (did) => {
          await rm(path.join(dir, file), { recursive: true });
          did.removed(file);
        });
        for (const name of drafts.all().keys())
          if (name === file || name.startsWith(`${file}/`)) await setDraft(name, undefined);
        return ok({});
      } catch (error) {
        return ioFailure(error, file);
      }
    },
    sweep: () => live.sweep(),
    onEvent: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: async () => {
      listeners.clear();
      await live.close();
    },
  };
}

function absent(error: unknown): undefined {
  if (systemCode(error) !== 'ENOENT') throw error;
  return undefined;
}

function unreadableFile([file, why]: readonly [string, string]): Diagnostic {
  const place = { file, line: 1, column: 1, endLine: 1, endColumn: 1 };
  return { severity: 'error', code: 'file-unreadable', ...place, message: why };
}

function viewConfig(text: string): WorkspaceConfigView {
  const { config, problems } = parseWorkspaceConfig(text);
  const diagnostics = problems.map(({ file, line, column, path: field, message }) => ({
    severity: 'error' as const,
    code: 'workspace-config',
    file,
    line,
    column,
    endLine: line,
    endColumn: column + 1,
    message: field === '' ? message : `${field}: ${message}`,
    ...(field === '' ? {} : { path: field }),
  }));
  return { config, diagnostics, customRules: readCustomRules(config.lint.custom, text) };
}

/** The real path of a folder that can be read. */
async function workspaceFolder(dir: string): Promise<Result<string>> {
  try {
    const real = await realpath(path.resolve(dir));
    if (!(await stat(real)).isDirectory()) return failed('workspace-not-folder', { dir });
    await readdir(real);
    return ok(real);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT') return failed('workspace-missing', { dir });
    if (code === 'ENOTDIR') return failed('workspace-not-folder', { dir });
    return failed('workspace-unreadable', { dir, problem: code === 'EACCES' ? 'permission denied' : reason(error) });
  }
}
