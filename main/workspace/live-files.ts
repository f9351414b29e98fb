import path from 'node:path';
import { BARE_KUSTOMIZATION } from '../../shared/manifests/render/find-renderings.ts';
import type { FilesChange } from './files-change.ts';
import { readTextFile } from './text-file.ts';
import type { Entries, Entry } from './scan-folder.ts';
import { sameEntry, scanFolder } from './scan-folder.ts';
import { watchFolder } from './watch-folder.ts';

/** Texts kept in memory for the analysis: files that may hold manifests, up to these bounds. */
const MAX_TEXT_BYTES = 2 * 1024 * 1024;
const MAX_ALL_TEXT_BYTES = 256 * 1024 * 1024;
const SETTLE_MS = 25;
const MIN_SWEEP_MS = 4_000;
/** Above this many hints at once, one walk of everything is cheaper than many small ones. */
const MAX_HINTS = 200;

/** What an action of ours says it did. */
export interface OwnChange {
  wrote(file: string, version: string): void;
  /** A file, or a folder with all below it. */
  removed(path: string): void;
  moved(from: string, to: string): void;
}

/** The files of a workspace as they are on disk, kept current by events, rescans and sweeps. */
export interface LiveFiles {
  entries(): ReadonlyMap<string, Entry>;
  /** Text of every file that may hold manifests. */
  texts(): ReadonlyMap<string, string>;
  /** Files that may hold manifests and are not in `texts`, with why. */
  unreadable(): ReadonlyMap<string, string>;
  /** Remembers the version somebody was given, so that a change of it is told. */
  remember(file: string, version: string): void;
  /**
   * Runs an action of ours on these paths (and all below them). What it says it did is not told as an outside change;
   * the list and the texts are current when it resolves.
   */
  own<T>(paths: readonly string[], action: (did: OwnChange) => Promise<T>): Promise<T>;
  /** Looks at the whole folder now. */
  sweep(): Promise<void>;
  close(): Promise<void>;
}

export async function openLiveFiles(
  root: string,
  onChange: (change: FilesChange) => void,
  warn: (message: string) => void,
): Promise<LiveFiles> {
  const entries: Entries = new Map();
  const texts = new Map<string, string>();
  const unreadable = new Map<string, string>();
  const versions = new Map<string, string>();
  /** Paths that actions of ours work on, and how many ended: what was read meanwhile does not count. */
  const holds = new Set<readonly string[]>();
  let endings = 0;
  let textBytes = 0;
  let queue: Promise<void> = Promise.resolve();
  let hints = new Set<string>();
  let settle: NodeJS.Timeout | undefined;
  let sweepTimer: NodeJS.Timeout | undefined;
  let closed = false;

  const isHeld = (name: string): boolean => [...holds].some((paths) => paths.some((held) => isBelow(name, held)));
  const dropText = (file: string, why?: string): boolean => {
    const told = unreadable.get(file) !== why;
    if (why === undefined) unreadable.delete(file);
    else unreadable.set(file, why);
    return forget(file) || told;
  };
  const forget = (file: string): boolean => {
    const old = texts.get(file);
    if (old === undefined) return false;
    textBytes -= old.length;
    return texts.delete(file);
  };
  const keepText = (file: string, text: string): void => {
    dropText(file);
    if (textBytes + text.length > MAX_ALL_TEXT_BYTES)
      return warn(`${file} is left out of the analysis: the workspace has too much text`);
    texts.set(file, text);
    textBytes += text.length;
  };

  /** Looks at one file: whether its version is another than known, and whether its text is another than kept. */
  const look = async (file: string, entry: Entry): Promise<{ version: boolean; text: boolean } | 'held'> => {
    const wanted = isText(file) && entry.bytes <= MAX_TEXT_BYTES;
    const tooLarge = isText(file) && !wanted ? 'it is too large to be read' : undefined;
    if (!wanted && !versions.has(file)) return { version: false, text: dropText(file, tooLarge) };
    const before = endings;
    const read = await readTextFile(path.join(root, file), file);
    if (isHeld(file)) return 'held';
    if (endings !== before) {
      onHints([file]);
      return 'held';
    }
    const known = versions.get(file);
    if (!read.ok) {
      versions.delete(file);
      // One that is gone since it was listed is no problem: it will leave the list.
      const why = wanted && read.error.code !== 'file-missing' ? read.error.message : tooLarge;
      return { version: known !== undefined, text: dropText(file, why) };
    }
    versions.set(file, read.value.version);
    const text = wanted && texts.get(file) !== read.value.text;
    if (text) keepText(file, read.value.text);
    return { version: known !== read.value.version, text };
  };

  const refresh = async (below: string, tell: boolean): Promise<void> => {
    const fresh = await scanFolder(root, below);
    const change = {
      listed: false,
      changed: [] as { path: string; version: string | null }[],
      texts: false,
      others: [] as string[],
    };
    for (const name of below === '' ? [...entries.keys()] : keysBelow(entries, below)) {
      if (fresh.has(name) || isHeld(name)) continue;
      if (entries.get(name)?.kind === 'folder') await watch.unfollow(name);
      else if (!isText(name)) change.others.push(name);
      entries.delete(name);
      change.listed = true;
      change.texts = dropText(name) || change.texts;
      if (versions.delete(name)) change.changed.push({ path: name, version: null });
    }
    const files: [string, Entry][] = [];
    for (const [name, entry] of fresh) {
      const old = entries.get(name);
      if (sameEntry(old, entry) || isHeld(name)) continue;
      if (old === undefined || old.kind !== entry.kind || old.bytes !== entry.bytes) change.listed = true;
      if (entry.kind === 'folder' && tell) await watch.follow(name);
      if (entry.kind === 'file') files.push([name, entry]);
      else {
        entries.set(name, entry);
        change.texts = dropText(name) || change.texts;
        versions.delete(name);
      }
    }
    await each(files, 16, async ([name, entry]) => {
      const known = versions.has(name);
      const found = await look(name, entry);
      if (found === 'held') return;
      entries.set(name, entry);
      change.texts ||= found.text;
      if (!isText(name)) change.others.push(name);
      if (found.version && (known || isText(name)))
        change.changed.push({ path: name, version: versions.get(name) ?? null });
    });
    if (tell && !closed && hasChanges(change)) onChange(change);
  };
  const enqueue = (work: () => Promise<void>): Promise<void> => {
    const turn = queue.then(work);
    queue = turn.catch((error: unknown) => warn(`looking at ${root} failed: ${String(error)}`));
    return turn;
  };

  const onHints = (paths: readonly string[]): void => {
    for (const name of paths) hints.add(name);
    settle ??= setTimeout(() => {
      settle = undefined;
      const now = hints;
      hints = new Set();
      const targets = now.size > MAX_HINTS ? [''] : outermost(now, entries);
      void enqueue(async () => {
        for (const target of targets) if (!closed) await refresh(target, true);
      });
    }, SETTLE_MS);
  };
  const sweep = (): Promise<void> => enqueue(() => refresh('', true));
  const planSweep = (tookMs: number): void => {
    if (closed) return;
    // Less than one part in a hundred of the time goes into sweeping, however large the folder is.
    sweepTimer = setTimeout(
      () => {
        const start = performance.now();
        void sweep().then(
          () => planSweep(performance.now() - start),
          () => planSweep(performance.now() - start),
        );
      },
      Math.max(MIN_SWEEP_MS, tookMs * 150),
    );
    sweepTimer.unref();
  };

  const start = performance.now();
  const watch = await watchFolder(root, onHints, warn);
  await enqueue(() => refresh('', false));
  planSweep(performance.now() - start);

  return {
    entries: () => entries,
    texts: () => texts,
    unreadable: () => unreadable,
    remember: (file, version) => {
      versions.set(file, version);
    },
    own: async (paths, action) => {
      const hold = [...paths];
      holds.add(hold);
      try {
        return await action({
          wrote: (file, version) => void versions.set(file, version),
          removed: (gone) => {
            for (const name of versions.keys()) if (isBelow(name, gone)) versions.delete(name);
          },
          moved: (from, to) => {
            const below = [...versions].filter(([name]) => isBelow(name, from));
            for (const [name, version] of below) {
              versions.delete(name);
              versions.set(to + name.slice(from.length), version);
            }
          },
        });
      } finally {
        holds.delete(hold);
        endings += 1;
        await enqueue(async () => {
          for (const name of outermost(new Set(paths), entries)) await refresh(name, true);
        });
      }
    },
    sweep,
    close: async () => {
      closed = true;
      clearTimeout(settle);
      clearTimeout(sweepTimer);
      await watch.close();
      await queue;
    },
  };
}

function hasChanges({ listed, changed, texts, others }: FilesChange): boolean {
  return listed || texts || changed.length > 0 || others.length > 0;
}

/** Whether a file may hold manifests, by its name. */
export function isText(file: string): boolean {
  return /\.(ya?ml|json)$/i.test(file) || file.slice(file.lastIndexOf('/') + 1) === BARE_KUSTOMIZATION;
}

/** The path, or its outermost folder that is not listed yet: a save may have made folders. */
function topMissing(file: string, entries: Entries): string {
  const parts = file.split('/');
  for (let depth = 1; depth < parts.length; depth += 1) {
    const folder = parts.slice(0, depth).join('/');
    if (!entries.has(folder)) return folder;
  }
  return file;
}

/** The hints without those below another one that is a folder, or new. */
function outermost(hints: ReadonlySet<string>, entries: Entries): string[] {
  return [...hints]
    .map((hint) => topMissing(hint, entries))
    .filter((hint, index, all) => all.indexOf(hint) === index)
    .filter((hint, _index, all) => !all.some((other) => hint.startsWith(`${other}/`)));
}

function keysBelow(entries: Entries, below: string): string[] {
  return [...entries.keys()].filter((name) => isBelow(name, below));
}

function isBelow(name: string, above: string): boolean {
  return name === above || name.startsWith(`${above}/`);
}

async function each<T>(items: readonly T[], width: number, work: (item: T) => Promise<void>): Promise<void> {
  const iterator = items.values();
  const lane = async (): Promise<void> => {
    for (const item of iterator) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, lane));
}
