import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { reason, systemCode } from '../errors.ts';
import { atomicWrite } from './atomic-write.ts';

const stored = z.array(z.object({ dir: z.string(), name: z.string() }));
const KEPT = 12;

export type Recent = z.infer<typeof stored>[number];

export interface RecentWorkspaces {
  list(): readonly Recent[];
  /** Puts a workspace first. */
  add(recent: Recent): Promise<void>;
}

/** The workspaces opened last, newest first, kept in `recent.json` of the state folder. */
export async function openRecentWorkspaces(
  stateDir: string,
  warn: (message: string) => void,
): Promise<RecentWorkspaces> {
  const file = path.join(stateDir, 'recent.json');
  let recents: readonly Recent[] = [];
  try {
    recents = stored.parse(JSON.parse(await readFile(file, 'utf8'))).slice(0, KEPT);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') warn(`${file} cannot be read and starts anew: ${reason(error)}`);
  }
  return {
    list: () => recents,
    add: async (recent) => {
      recents = [recent, ...recents.filter(({ dir }) => dir !== recent.dir)].slice(0, KEPT);
      await atomicWrite(file, JSON.stringify(recents, undefined, 2), 0o600);
    },
  };
}
