import { DatabaseSync } from 'node:sqlite';

import { unusable } from './database.ts';
import { ControlError } from './errors.ts';

/** One that is being ended gives its database back within this. */
const WAIT_MS = 5000;
/** SQLITE_BUSY (sqlite.org/rescode.html). */
const BUSY = 5;

/**
 * Keeps the database at `path` for this control plane, which alone knows what brokers and agents said lately: two on one
 * would hand out each other's hosts. Ends with the process, however that ends; others may read the database all the same.
 * Throws `database-in-use`.
 */
export function lockDatabase(path: string): { release(): void } {
  if (path === ':memory:') return { release: () => undefined };
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(`${path}.lock`);
    lock.exec(`PRAGMA busy_timeout = ${WAIT_MS}; BEGIN EXCLUSIVE`);
    const held = lock;
    return { release: () => held.close() };
  } catch (error) {
    lock?.close();
    if (error instanceof Error && 'errcode' in error && error.errcode === BUSY)
      throw new ControlError('database-in-use', `another control plane uses the database ${path}`, {
        hint: 'End it, or name another database; for `adit up` and `adit preview`: another --state-dir.',
        cause: error,
      });
    throw unusable(path, error);
  }
}
