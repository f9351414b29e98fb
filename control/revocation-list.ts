import type { DatabaseSync } from 'node:sqlite';

import { z } from 'zod';

import type { Revocation } from '../shared/control/api.ts';

const MAX_REVOCATIONS = 10_000;

const agentRow = z.object({ agent_id: z.string() });
const hostRow = z.object({ agent_id: z.string(), host: z.string() });

/**
 * What tokens that are still alive must no longer be good for: agents that were removed, and hosts that were given back.
 * An entry is listed for as long as a token that was signed before it may live.
 */
export class RevocationList {
  readonly #database: DatabaseSync;
  readonly #tokenLifeMs: number;

  constructor(database: DatabaseSync, tokenLifeMs: number) {
    this.#database = database;
    this.#tokenLifeMs = tokenLifeMs;
  }

  /** Newest first where there are too many; in a stable order, so that equal lists are equal texts. */
  list(now: number): Revocation[] {
    const since = now - this.#tokenLifeMs;
    const agents = this.#database
      .prepare('SELECT agent_id FROM revoked_agents WHERE revoked_at > ? ORDER BY revoked_at DESC, agent_id LIMIT ?')
      .all(since, MAX_REVOCATIONS)
      .map((row) => agentRow.parse(row).agent_id);
    const hosts = new Map<string, string[]>();
    const rows = this.#database
      .prepare(
        `SELECT agent_id, host FROM hosts JOIN leases ON leases.id = lease_id
         WHERE released_at > ? ORDER BY released_at DESC, lease_id, position LIMIT ?`,
      )
      .all(since, MAX_REVOCATIONS - agents.length);
    for (const row of rows) {
      const { agent_id: agent, host } = hostRow.parse(row);
      const known = hosts.get(agent);
      if (known === undefined) hosts.set(agent, [host]);
      else known.push(host);
    }
    return [...agents.map((agent) => ({ agent })), ...[...hosts].map(([agent, list]) => ({ agent, hosts: list }))];
  }

  purge(now: number): void {
    this.#database.prepare('DELETE FROM revoked_agents WHERE revoked_at < ?').run(now - this.#tokenLifeMs);
  }
}
