import { chmodSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

import { z } from 'zod';

import { ControlError } from './errors.ts';

/** Each entry brings `user_version` from its index to the next. Entries are never edited, only added. */
const migrations: readonly string[] = [
  `CREATE TABLE agents (
     id TEXT PRIMARY KEY,
     name TEXT NOT NULL,
     secret_hash BLOB NOT NULL,
     created_at INTEGER NOT NULL,
     seen_at INTEGER NOT NULL
   ) STRICT;
   CREATE TABLE leases (
     id TEXT PRIMARY KEY,
     agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
     created_at INTEGER NOT NULL,
     expires_at INTEGER NOT NULL,
     released_at INTEGER
   ) STRICT;
   CREATE INDEX leases_of_agent ON leases (agent_id);
   CREATE TABLE hosts (
     host TEXT PRIMARY KEY,
     lease_id TEXT NOT NULL REFERENCES leases (id) ON DELETE CASCADE,
     position INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX hosts_of_lease ON hosts (lease_id);
   CREATE TABLE signing_keys (
     kid TEXT PRIMARY KEY,
     private_jwk TEXT NOT NULL,
     created_at INTEGER NOT NULL
   ) STRICT;
   CREATE TABLE edges (
     id TEXT PRIMARY KEY,
     public_url TEXT NOT NULL,
     registered_at INTEGER NOT NULL,
     seen_at INTEGER NOT NULL
   ) STRICT;`,
  `CREATE TABLE revoked_agents (
     agent_id TEXT PRIMARY KEY,
     revoked_at INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX leases_by_release ON leases (released_at);`,
  `CREATE TABLE revoked_tokens (
     jti TEXT PRIMARY KEY,
     agent_id TEXT NOT NULL,
     revoked_at INTEGER NOT NULL
   ) STRICT;`,
  // Leases that were given back are kept for a week, and an agent may make any number of them.
  `DROP INDEX leases_of_agent;
   CREATE INDEX live_leases_of_agent ON leases (agent_id, released_at, expires_at);`,
];

const versionRow = z.object({ user_version: z.number().int() });

/** Opens (or makes) the state at `path`, or in memory for `:memory:`. Throws `database-unusable`. */
export function openDatabase(path: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path);
    // The file holds private signing keys.
    if (path !== ':memory:') chmodSync(path, 0o600);
    database.exec(
      'PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;',
    );
    migrate(database, path);
    return database;
  } catch (error) {
    database?.close();
    if (error instanceof ControlError) throw error;
    throw unusable(path, error);
  }
}

function migrate(database: DatabaseSync, path: string): void {
  transaction(database, () => {
    const version = versionRow.parse(database.prepare('PRAGMA user_version').get()).user_version;
    if (version > migrations.length) {
      throw new ControlError(
        'database-unusable',
        `the database ${path} has version ${version}, this program knows up to ${migrations.length}`,
        { hint: 'Start the newer program again, or give another database path.' },
      );
    }
    for (const statement of migrations.slice(version)) database.exec(statement);
    database.exec(`PRAGMA user_version = ${migrations.length}`);
  });
}

export function unusable(path: string, error: unknown): ControlError {
  return new ControlError('database-unusable', `cannot use the database ${path}: ${String(error)}`, {
    hint: 'Check that the folder exists and is writable, and that the file is a database of the control plane.',
    cause: error,
  });
}

/** Runs `work` wholly or not at all. `work` is synchronous, so nothing of this process comes between. */
export function transaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const value = work();
    database.exec('COMMIT');
    return value;
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}
