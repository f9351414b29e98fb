import type { DatabaseSync } from 'node:sqlite';

import { z } from 'zod';

import { transaction } from './database.ts';
import { ControlError } from './errors.ts';

const EDGE_SILENCE_MS = 15_000;
const FORGET_AFTER_MS = 7 * 24 * 3_600_000;
const MAX_EDGES = 256;

const edgeRow = z.object({ public_url: z.string(), seen_at: z.number() });
const templateRow = z.object({ public_url: z.string() });
const countRow = z.object({ n: z.number() });

/** Where visitors reach hosts. Kept in the database, so that a restart knows the URLs before the first heartbeat. */
export class EdgeDirectory {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Throws `broker-limit`. */
  put(id: string, publicUrl: string, now: number): void {
    transaction(this.#database, () => {
      const found = this.#database.prepare('SELECT public_url, seen_at FROM edges WHERE id = ?').get(id);
      const known = found === undefined ? undefined : edgeRow.parse(found);
      if (known !== undefined && known.public_url === publicUrl && now - known.seen_at <= EDGE_SILENCE_MS) {
        this.#database.prepare('UPDATE edges SET seen_at = ? WHERE id = ?').run(now, id);
        return;
      }
      this.#database.prepare('DELETE FROM edges WHERE seen_at < ?').run(now - FORGET_AFTER_MS);
      const { n } = countRow.parse(this.#database.prepare('SELECT count(*) AS n FROM edges').get());
      if (known === undefined && n >= MAX_EDGES) {
        throw new ControlError('broker-limit', `${n} edges are registered, which is the limit`, {
          retryAfterSeconds: 60,
        });
      }
      this.#database
        .prepare('INSERT OR REPLACE INTO edges (id, public_url, registered_at, seen_at) VALUES (?, ?, ?, ?)')
        .run(id, publicUrl, now, now);
    });
  }

  /** The template of the newest edge that is alive, else of the one heard of last. */
  newest(now: number): string | undefined {
    const row = this.#database
      .prepare(
        'SELECT public_url FROM edges ORDER BY seen_at >= ? DESC, CASE WHEN seen_at >= ? THEN registered_at ELSE seen_at END DESC, id LIMIT 1',
      )
      .get(now - EDGE_SILENCE_MS, now - EDGE_SILENCE_MS);
    return row === undefined ? undefined : templateRow.parse(row).public_url;
  }
}
