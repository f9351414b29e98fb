import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, unlink } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { FileContent } from '../../shared/contract/contract.ts';
import { reason, systemCode } from '../errors.ts';
import { atomicWrite } from './atomic-write.ts';

const stored = z.object({ path: z.string(), text: z.string(), baseVersion: z.string(), savedAt: z.string() });

export type Draft = NonNullable<FileContent['draft']>;

/** At most this many unsaved buffers are read back for one workspace. */
const MAX_DRAFTS = 1_000;

/**
 * Unsaved buffers of one workspace, on disk outside of it (mode 0600) so that a crash keeps them. Writes of one path
 * happen in order; a write that was overtaken by a newer text of the same path is left out.
 */
export interface DraftStore {
  get(path: string): Draft | undefined;
  all(): ReadonlyMap<string, Draft>;
  /** `undefined` drops the draft. Memory has it at once; resolves when the disk has it or a newer call took over. */
  set(path: string, draft: Draft | undefined): Promise<void>;
}

export async function openDraftStore(
  stateDir: string,
  workspaceDir: string,
  warn: (message: string) => void,
): Promise<DraftStore> {
  const folder = path.join(stateDir, 'drafts', digest(workspaceDir));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const drafts = await load(folder, warn);
  const writing = new Map<string, { readonly id: symbol; readonly done: Promise<void> }>();

  const write = async (name: string): Promise<void> => {
    const draft = drafts.get(name);
    const file = path.join(folder, `${digest(name)}.json`);
    if (draft !== undefined) return atomicWrite(file, JSON.stringify({ path: name, ...draft }), 0o600);
    await unlink(file).catch((error: unknown) => {
      if (systemCode(error) !== 'ENOENT') throw error;
    });
  };

  return {
    get: (name) => drafts.get(name),
    all: () => drafts,
    set: async (name, draft) => {
      if (draft === undefined) drafts.delete(name);
      else drafts.set(name, draft);
      const before = writing.get(name)?.done;
      const id = Symbol(name);
      const done = (async () => {
        await before?.catch(() => undefined);
        // When a newer call waits behind this one, that one writes what is in memory then.
        if (writing.get(name)?.id === id) await write(name);
      })();
      writing.set(name, { id, done });
      try {
        await done;
      } finally {
        if (writing.get(name)?.id === id) writing.delete(name);
      }
    },
  };
}

async function load(folder: string, warn: (message: string) => void): Promise<Map<string, Draft>> {
  const drafts = new Map<string, Draft>();
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).slice(0, MAX_DRAFTS);
  for (const name of names) {
    try {
      const { path: file, ...draft } = stored.parse(JSON.parse(await readFile(path.join(folder, name), 'utf8')));
      drafts.set(file, draft);
    } catch (error) {
      // One unreadable draft must not hide the others; it stays on disk for a person to look at.
      warn(`draft ${path.join(folder, name)} cannot be read: ${reason(error)}`);
    }
  }
  return drafts;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
