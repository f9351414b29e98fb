import type { editor } from 'monaco-editor/editor';
import type { Bridge, FileContent } from '../../../shared/contract/contract.ts';
import { showFailure } from '../notice/show-failure.tsx';
import { openDialog } from '../state/dialogs.ts';
import { loadMonaco } from './monaco.ts';
import { patchTab, removeTab, settleTab, useTabs } from './tabs.ts';

const DRAFT_DELAY_MS = 150;

interface Buffer {
  readonly path: string;
  readonly model: editor.ITextModel;
  /** Of the file on disk that the text is based on. */
  version: string;
  /** As on disk, with the line ends of the model. */
  savedText: string;
  drafting?: ReturnType<typeof setTimeout> | undefined;
  sending?: Promise<void> | undefined;
  saving?: Promise<boolean> | undefined;
  /** What the disk holds instead, while the user decides. */
  theirs?: FileContent | undefined;
  draft?: NonNullable<FileContent['draft']> | undefined;
  viewState: editor.ICodeEditorViewState | null;
}

export interface Buffers {
  open(path: string): void;
  get(path: string): Buffer | undefined;
  /** Resolves to whether the file is on disk as it is in the buffer. */
  save(path: string): Promise<boolean>;
  saveAll(): Promise<boolean>;
  /** Resolves when the application has the newest text: for calls that work on what is typed. */
  handOver(path: string): Promise<void>;
  close(path: string): void;
  /** Closes and forgets the unsaved text. */
  discard(path: string): void;
  keepMine(path: string): Promise<void>;
  takeTheirs(path: string): void;
  restoreDraft(path: string): void;
  dropDraft(path: string): void;
  /** Called on the event `fileChanged`. */
  changedOutside(path: string, version: string | null): Promise<void>;
  moved(from: string, to: string): void;
  closeAll(): void;
}

/** The texts of the open files, one Monaco model each, with their drafts and conflicts. */
export function createBuffers(bridge: Bridge): Buffers {
  const buffers = new Map<string, Buffer>();

  function isDirty(buffer: Buffer): boolean {
    // Lengths first: with them most keystrokes need no copy of the whole text.
    const { model, savedText } = buffer;
    return model.getValueLength() !== savedText.length || model.getValue() !== savedText;
  }

  async function sendDraft(buffer: Buffer): Promise<void> {
    clearTimeout(buffer.drafting);
    buffer.drafting = undefined;
    const text = isDirty(buffer) ? buffer.model.getValue() : null;
    const answer = await bridge.call('fileDraft', { path: buffer.path, text, baseVersion: buffer.version });
    if (!answer.ok) showFailure(answer.error);
  }

  async function load(path: string): Promise<void> {
    const [answer, monaco] = await Promise.all([bridge.call('fileRead', { path }), loadMonaco()]);
    if (buffers.has(path) || !useTabs.getState().tabs.some((tab) => tab.path === path)) return;
    if (!answer.ok) {
      patchTab(path, { state: 'failed', failure: answer.error });
      return;
    }
    const { text, version, draft } = answer.value;
    const language = /\.(ya?ml|json)$/i.test(path) ? 'yaml' : 'plaintext';
    const uri = monaco.Uri.from({ scheme: 'file', path: `/${path}` });
    monaco.editor.getModel(uri)?.dispose();
    const model = monaco.editor.createModel(text, language, uri);
    model.updateOptions({ tabSize: 2, insertSpaces: true });
    const buffer: Buffer = { path, model, version, savedText: model.getValue(), viewState: null };
    buffers.set(path, buffer);
    model.onDidChangeContent(() => {
      const dirty = isDirty(buffer);
      if (useTabs.getState().tabs.some((tab) => tab.path === path && tab.dirty !== dirty)) patchTab(path, { dirty });
      clearTimeout(buffer.drafting);
      buffer.drafting = setTimeout(() => void (buffer.sending = sendDraft(buffer)), DRAFT_DELAY_MS);
    });
    settleTab(path, false);
    if (draft !== undefined && draft.text !== text) {
      buffer.draft = draft;
      openDialog({ kind: 'draft', path });
    }
  }

  /** Puts other text into the model as one step that can be undone. */
  function replaceText(buffer: Buffer, text: string): void {
    buffer.model.pushStackElement();
    buffer.model.pushEditOperations([], [{ range: buffer.model.getFullModelRange(), text }], () => null);
    buffer.model.pushStackElement();
  }

  function settle(buffer: Buffer, content: FileContent): void {
    replaceText(buffer, content.text);
    buffer.version = content.version;
    buffer.savedText = buffer.model.getValue();
    buffer.theirs = undefined;
    clearTimeout(buffer.drafting);
    settleTab(buffer.path, false);
  }

  async function write(buffer: Buffer, baseVersion: string | null): Promise<boolean> {
    clearTimeout(buffer.drafting);
    buffer.drafting = undefined;
    const text = buffer.model.getValue();
    const answer = await bridge.call('fileSave', { path: buffer.path, text, baseVersion });
    if (answer.ok) {
      buffer.version = answer.value.version;
      buffer.savedText = text;
      buffer.theirs = undefined;
      settleTab(buffer.path, isDirty(buffer));
      await sendDraft(buffer);
      return !isDirty(buffer);
    }
    if (answer.error.code === 'file-changed') await meet(buffer);
    else showFailure(answer.error);
    return false;
  }

  /** Reads what is on disk now and lets the user choose. */
  async function meet(buffer: Buffer): Promise<void> {
    const answer = await bridge.call('fileRead', { path: buffer.path });
    if (!answer.ok) {
      showFailure(answer.error);
      return;
    }
    buffer.theirs = answer.value;
    patchTab(buffer.path, { outside: 'changed' });
    openDialog({ kind: 'conflict', path: buffer.path });
  }

  async function save(path: string): Promise<boolean> {
    const buffer = buffers.get(path);
    if (!buffer) return true;
    await buffer.saving;
    const gone = useTabs.getState().tabs.find((tab) => tab.path === path)?.outside === 'gone';
    if (!isDirty(buffer) && !gone) return true;
    buffer.saving = write(buffer, gone ? null : buffer.version);
    const saved = await buffer.saving;
    buffer.saving = undefined;
    return saved;
  }

  function forget(path: string): void {
    const buffer = buffers.get(path);
    buffers.delete(path);
    removeTab(path);
    if (!buffer) return;
    clearTimeout(buffer.drafting);
    buffer.model.dispose();
  }

  return {
    open(path) {
      const known = useTabs.getState().tabs.find((tab) => tab.path === path);
      if (known && known.state !== 'failed') {
        useTabs.setState({ active: path });
        return;
      }
      useTabs.setState((state) => ({
        active: path,
        tabs: known
          ? state.tabs.map((tab) => (tab === known ? { path, dirty: false, state: 'loading' } : tab))
          : [...state.tabs, { path, dirty: false, state: 'loading' }],
      }));
      void load(path);
    },
    get: (path) => buffers.get(path),
    save,
    async saveAll() {
      const saved = [];
      for (const tab of useTabs.getState().tabs) saved.push(tab.dirty ? await save(tab.path) : true);
      return saved.every(Boolean);
    },
    async handOver(path) {
      const buffer = buffers.get(path);
      if (buffer?.drafting !== undefined) buffer.sending = sendDraft(buffer);
      await buffer?.sending;
    },
    close(path) {
      const buffer = buffers.get(path);
      if (buffer && isDirty(buffer)) openDialog({ kind: 'close-dirty', path });
      else forget(path);
    },
    discard(path) {
      const buffer = buffers.get(path);
      forget(path);
      if (buffer) void bridge.call('fileDraft', { path, text: null, baseVersion: buffer.version });
    },
    async keepMine(path) {
      const buffer = buffers.get(path);
      if (buffer?.theirs) await write(buffer, buffer.theirs.version);
    },
    takeTheirs(path) {
      const buffer = buffers.get(path);
      if (!buffer?.theirs) return;
      settle(buffer, buffer.theirs);
      void sendDraft(buffer);
    },
    restoreDraft(path) {
      const buffer = buffers.get(path);
      if (!buffer?.draft) return;
      replaceText(buffer, buffer.draft.text);
      buffer.draft = undefined;
    },
    dropDraft(path) {
      const buffer = buffers.get(path);
      if (!buffer) return;
      buffer.draft = undefined;
      void sendDraft(buffer);
    },
    async changedOutside(path, version) {
      const buffer = buffers.get(path);
      if (!buffer) return;
      // The event of our own save may come before its answer.
      await buffer.saving;
      if (version === null) {
        if (isDirty(buffer)) patchTab(path, { outside: 'gone' });
        else forget(path);
        return;
      }
      if (version === buffer.version) return;
      if (isDirty(buffer)) {
        patchTab(path, { outside: 'changed' });
        return;
      }
      const answer = await bridge.call('fileRead', { path });
      if (!answer.ok) patchTab(path, { outside: 'changed' });
      else if (!isDirty(buffer)) settle(buffer, answer.value);
    },
    moved(from, to) {
      const paths = [...buffers.keys()].filter((path) => path === from || path.startsWith(`${from}/`));
      for (const path of paths) {
        forget(path);
        this.open(to + path.slice(from.length));
      }
    },
    closeAll() {
      for (const tab of useTabs.getState().tabs) forget(tab.path);
    },
  };
}
