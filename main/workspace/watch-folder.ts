import path from 'node:path';
import type { AsyncSubscription, Event } from '@parcel/watcher';
import { reason } from '../errors.ts';
import { CLOSED_FOLDERS, isInside } from './workspace-path.ts';

/** Extra subscriptions on folders that were created later; beyond it the sweep alone sees their changes. */
const MAX_FOLLOWED = 256;
const ignore = [...CLOSED_FOLDERS].map((name) => `**/${name}/**`);

export interface FolderWatch {
  /**
   * Subscribes again on a folder made after the first subscription: on Linux the watcher loses most later events of
   * such folders otherwise (measured: 6 of 30 seen without, 40 of 40 with).
   */
  follow(relative: string): Promise<void>;
  /** Ends the extra subscriptions on a folder that is gone, and below it. */
  unfollow(relative: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * Tells which paths may have changed (relative, `/` between parts), soon after. Hints only: events can be lost or
 * doubled, so the receiver looks at the disk and sweeps now and then. Works without events where watching fails.
 */
export async function watchFolder(
  root: string,
  onPaths: (paths: readonly string[]) => void,
  warn: (message: string) => void,
): Promise<FolderWatch> {
  const followed = new Map<string, Promise<AsyncSubscription | undefined>>();
  let closed = false;

  const subscribe = async (dir: string): Promise<AsyncSubscription | undefined> => {
    try {
      // Loaded late: a system without a prebuilt binary still gets the sweep.
      const { subscribe: parcelSubscribe } = await import('@parcel/watcher');
      return await parcelSubscribe(
        dir,
        (error, events) => {
          if (closed) return;
          if (error !== null) return warn(`watching ${dir}: ${error.message}; changes are found by the sweep`);
          onPaths(events.flatMap((event) => relativePath(root, event)));
        },
        { ignore },
      );
    } catch (error) {
      warn(`watching ${dir} failed: ${reason(error)}; changes are found by the sweep`);
      return undefined;
    }
  };
  const unsubscribe = async (pending: Promise<AsyncSubscription | undefined>): Promise<void> => {
    try {
      await (await pending)?.unsubscribe();
    } catch (error) {
      warn(`ending a watch below ${root} failed: ${reason(error)}`);
    }
  };

  const first = subscribe(root);
  await first;
  return {
    follow: async (relative) => {
      if (closed || followed.has(relative) || followed.size >= MAX_FOLLOWED) return;
      const pending = subscribe(path.join(root, relative));
      followed.set(relative, pending);
      await pending;
    },
    unfollow: async (relative) => {
      const gone = [...followed].filter(([dir]) => dir === relative || dir.startsWith(`${relative}/`));
      for (const [dir] of gone) followed.delete(dir);
      await Promise.all(gone.map(([, pending]) => unsubscribe(pending)));
    },
    close: async () => {
      closed = true;
      const all = [first, ...followed.values()];
      followed.clear();
      await Promise.all(all.map(unsubscribe));
    },
  };
}

function relativePath(root: string, event: Event): string[] {
  return isInside(root, event.path) ? [path.relative(root, event.path).split(path.sep).join('/')] : [];
}
