import { FolderWatch } from './folder-watch.ts';
import {
  isFolder,
  isRead,
  isSkipped,
  LIMITS,
  listFolder,
  readText,
  sameStamp,
  stampOf,
  type FileStamp,
} from './read-folder.ts';

const DEBOUNCE_MS = 5;
const EMPTY_MS = 30;
const SWEEP_MS = 3000;
/** A sweep of a large folder may take this share of the time at most. */
const SWEEP_SHARE = 20;

export interface FolderFilesOptions {
  readonly root: string;
  /** Texts are others than before. */
  readonly onChange: () => void;
  /** What may have changed and is not read here: templates, values of other names. */
  readonly onOthers?: (paths: readonly string[]) => void;
  /** Watching or reading goes wrong; the sweep goes on. */
  readonly onTrouble: (message: string) => void;
  readonly sweepMs?: number;
}

/** The texts of the manifests below a folder, kept current: events first, sweeps for what events missed. */
export class FolderFiles {
  #options: FolderFilesOptions;
  #stamps = new Map<string, FileStamp>();
  #texts = new Map<string, string>();
  #textBytes = 0;
  #folders: ReadonlySet<string> = new Set();
  #watch: FolderWatch;
  /** Files that were seen empty once, after they were not. */
  #emptied = new Set<string>();
  #hints = new Set<string>();
  #debounce: NodeJS.Timeout | undefined;
  #sweep: NodeJS.Timeout | undefined;
  #queue: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: FolderFilesOptions) {
    this.#options = options;
    this.#watch = new FolderWatch(options.root, (paths) => this.#hint(paths), options.onTrouble);
  }

  get texts(): ReadonlyMap<string, string> {
    return this.#texts;
  }

  /** Reads everything; throws AgentError beyond the limits. */
  async start(): Promise<void> {
    // Watching begins before the first read: what changes in between is read again.
    await this.#watch.follow('');
    await this.#look('');
    this.#planSweep(0);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#debounce);
    clearTimeout(this.#sweep);
    await this.#queue;
    await this.#watch.close();
  }

  #hint(paths: readonly string[]): void {
    if (this.#closed) return;
    for (const path of paths) if (!isSkipped(path)) this.#hints.add(path);
    this.#debounce ??= setTimeout(() => {
      this.#debounce = undefined;
      const hints = this.#hints;
      this.#hints = new Set();
      this.#enqueue(() => this.#takeHints(hints));
    }, DEBOUNCE_MS);
  }

  async #takeHints(hints: ReadonlySet<string>): Promise<void> {
    let changed = false;
    const others: string[] = [];
    for (const path of hints) {
      if (isRead(path) && !this.#folders.has(path)) changed = (await this.#lookAtFile(path)) || changed;
      else if (this.#folders.has(path) || (await isFolder(this.#options.root, path)))
        changed = (await this.#look(path)) || changed;
      else others.push(path);
    }
    if (changed) this.#options.onChange();
    else if (others.length > 0) this.#options.onOthers?.(others);
  }

  async #lookAtFile(path: string): Promise<boolean> {
    const stamp = await stampOf(this.#options.root, path);
    if (stamp === undefined) return this.#drop(path);
    return this.#readFile(path, stamp);
  }

  /** Compares everything below a folder with what is known. */
  async #look(folder: string): Promise<boolean> {
    const { root } = this.#options;
    const { files, folders } = await listFolder(root, folder);
    const below = (path: string): boolean => folder === '' || path === folder || path.startsWith(`${folder}/`);
    let changed = false;
    for (const path of this.#stamps.keys()) if (below(path) && !files.has(path)) changed = this.#drop(path) || changed;
    for (const known of this.#folders) if (below(known) && !folders.has(known)) await this.#watch.unfollow(known);
    const first = this.#stamps.size === 0 && this.#folders.size === 0;
    const before = this.#folders;
    this.#folders = new Set([
      ...[...before].filter((path) => !below(path)),
      ...(await existing(root, folder, folders)),
    ]);
    if (!first) for (const path of this.#folders) if (!before.has(path)) await this.#watch.follow(path);
    for (const [path, stamp] of files) changed = (await this.#readFile(path, stamp)) || changed;
    return changed;
  }

  async #readFile(path: string, stamp: FileStamp): Promise<boolean> {
    if (sameStamp(this.#stamps.get(path), stamp)) return false;
    const text = stamp.bytes > LIMITS.fileBytes ? undefined : await readText(this.#options.root, path);
    const old = this.#texts.get(path);
    if (text === '' && old !== undefined && old !== '' && !this.#emptied.delete(path)) {
      // Most likely cut short for a write that is under way: what it will hold is asked for a little later.
      this.#emptied.add(path);
      setTimeout(() => this.#hint([path]), EMPTY_MS).unref();
      return false;
    }
    this.#stamps.set(path, stamp);
    if (text === undefined || this.#textBytes - (old?.length ?? 0) + text.length > LIMITS.totalBytes) {
      this.#options.onTrouble(`${path} is left out: it is too large or cannot be read`);
      return this.#forget(path);
    }
    this.#textBytes += text.length - (old?.length ?? 0);
    this.#texts.set(path, text);
    return old !== text;
  }

  #drop(path: string): boolean {
    this.#stamps.delete(path);
    this.#emptied.delete(path);
    return this.#forget(path);
  }

  #forget(path: string): boolean {
    this.#textBytes -= this.#texts.get(path)?.length ?? 0;
    return this.#texts.delete(path);
  }

  #planSweep(tookMs: number): void {
    if (this.#closed) return;
    const after = Math.max(this.#options.sweepMs ?? SWEEP_MS, tookMs * SWEEP_SHARE);
    this.#sweep = setTimeout(() => {
      this.#enqueue(async () => {
        const begun = performance.now();
        try {
          if (await this.#look('')) this.#options.onChange();
        } finally {
          this.#planSweep(performance.now() - begun);
        }
      });
    }, after).unref();
  }

  /** One look at the disk at a time, so that an older one never overwrites a newer. */
  #enqueue(work: () => Promise<void>): void {
    this.#queue = this.#queue.then(async () => {
      if (this.#closed) return;
      try {
        await work();
      } catch (error) {
        this.#options.onTrouble(
          `reading ${this.#options.root}: ${error instanceof Error ? error.message : String(error)}`,
        );
      }
    });
  }
}

/** A folder that was asked for and is gone lists itself as its only folder. */
async function existing(root: string, asked: string, folders: ReadonlySet<string>): Promise<ReadonlySet<string>> {
  if (asked === '' || folders.size > 1 || (await isFolder(root, asked))) return folders;
  return new Set();
}
