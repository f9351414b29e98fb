import { join, relative, sep } from 'node:path';
import type { AsyncSubscription } from '@parcel/watcher';

/** Subscriptions on folders that were made later; beyond it the sweep alone sees what changes in them. */
const MAX_FOLLOWED = 256;

/**
 * Hints that paths may have changed. Events can be lost or doubled (most in folders made after the subscription, which
 * `follow` subscribes to again), so the receiver looks at the disk, and sweeps now and then.
 */
export class FolderWatch {
  #root: string;
  #onPaths: (paths: readonly string[]) => void;
  #onTrouble: (message: string) => void;
  #subscriptions = new Map<string, Promise<AsyncSubscription | undefined>>();
  #closed = false;

  constructor(root: string, onPaths: (paths: readonly string[]) => void, onTrouble: (message: string) => void) {
    this.#root = root;
    this.#onPaths = onPaths;
    this.#onTrouble = onTrouble;
  }

  /** `''`: the root, with all that is below it now. */
  async follow(folder: string): Promise<void> {
    if (this.#closed || this.#subscriptions.has(folder) || this.#subscriptions.size > MAX_FOLLOWED) return;
    const pending = this.#subscribe(folder);
    this.#subscriptions.set(folder, pending);
    await pending;
  }

  /** The folder is gone; one that is made again in its place must be followed anew. */
  async unfollow(folder: string): Promise<void> {
    const gone = [...this.#subscriptions].filter(([path]) => path === folder || path.startsWith(`${folder}/`));
    for (const [path] of gone) this.#subscriptions.delete(path);
    await Promise.all(gone.map(([, pending]) => this.#end(pending)));
  }

  async close(): Promise<void> {
    this.#closed = true;
    const all = [...this.#subscriptions.values()];
    this.#subscriptions.clear();
    await Promise.all(all.map((pending) => this.#end(pending)));
  }

  async #subscribe(folder: string): Promise<AsyncSubscription | undefined> {
    const dir = join(this.#root, folder);
    try {
      // Loaded late: where there is no prebuilt watcher, the sweep still works.
      const { subscribe } = await import('@parcel/watcher');
      return await subscribe(
        dir,
        (error, events) => {
          if (this.#closed) return;
          if (error !== null) this.#onTrouble(`watching ${dir}: ${error.message}`);
          else this.#onPaths(events.map(({ path }) => relative(this.#root, path).split(sep).join('/')));
        },
        { ignore: ['**/.git/**', '**/node_modules/**'] },
      );
    } catch (error) {
      this.#onTrouble(`${dir} cannot be watched: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  }

  async #end(pending: Promise<AsyncSubscription | undefined>): Promise<void> {
    try {
      await (await pending)?.unsubscribe();
    } catch (error) {
      this.#onTrouble(
        `a watch below ${this.#root} did not end: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
}
