import type { DatabaseSync } from 'node:sqlite';

import { z } from 'zod';

import type { Revocation } from '../shared/control/api.ts';

import { ControlError } from './errors.ts';

const MAX_REVOCATIONS = 10_000;
const MAX_REVOKED_TOKENS = 1_000;

const countRow = z.object({ n: z.number() });
const agentRow = z.object({ agent_id: z.string() });
const tokenRow = z.object({ agent_id: z.string(), jti: z.string() });
const hostRow = z.object({ agent_id: z.string(), host: z.string() });

/**
 * What tokens that are still alive must no longer be good for: agents that were removed, tokens that were revoked by their
 * `jti`, and hosts that were given back.
 * An entry is listed for as long as a token that was signed before it may live.
 */
export class RevocationList {
  readonly #database: DatabaseSync;
  readonly #tokenLifeMs: number;

  constructor(database: DatabaseSync, tokenLifeMs: number) {
    this.#database = database;
    this.#tokenLifeMs = tokenLifeMs;
  }

  /** Throws `revocation-limit` when the list is full: what is not listed would not be revoked. */
  revokeToken(agentId: string, jti: string, now: number): void {
    const listed = countRow.parse(
      this.#database
        .prepare('SELECT count(*) AS n FROM revoked_tokens WHERE revoked_at > ?')
        .get(now - this.#tokenLifeMs),
    ).n;
    if (listed >= MAX_REVOKED_TOKENS)
      throw new ControlError('revocation-limit', `${MAX_REVOKED_TOKENS} tokens are revoked, which is the limit`, {
        hint: 'Remove the agent instead, or wait until some of these tokens would have expired.',
      });
    this.#database
      .prepare('INSERT OR IGNORE INTO revoked_tokens (jti, agent_id, revoked_at) VALUES (?, ?, ?)')
      .run(jti, agentId, now);
  }

  /** Newest first where there are too many; in a stable order, so that equal lists are equal texts. */
  list(now: number): Revocation[] {
    const since = now - this.#tokenLifeMs;
    const agents = this.#database
      .prepare('SELECT agent_id FROM revoked_agents WHERE revoked_at > ? ORDER BY revoked_at DESC, agent_id LIMIT ?')
      .all(since, MAX_REVOCATIONS - MAX_REVOKED_TOKENS)
      .map((row) => agentRow.parse(row).agent_id);
    const tokens = this.#database
      .prepare('SELECT agent_id, jti FROM revoked_tokens WHERE revoked_at > ? ORDER BY revoked_at DESC, jti LIMIT ?')
      .all(since, MAX_REVOKED_TOKENS)
      .map((row) => tokenRow.parse(row));
    const hosts = new Map<string, string[]>();
    const rows = this.#database
      .prepare(
        `SELECT agent_id, host FROM hosts JOIN leases ON leases.id = lease_id
         WHERE released_at > ? ORDER BY released_at DESC, lease_id, position LIMIT ?`,
      )
      .all(since, Math.max(0, MAX_REVOCATIONS - agents.length - tokens.length));
    for (const row of rows) {
      const { agent_id: agent, host } = hostRow.parse(row);
      const known = hosts.get(agent);
      if (known === undefined) hosts.set(agent, [host]);
      else known.push(host);
    }
    return [
      ...agents.map((agent) => ({ agent })),
      ...tokens.map(({ agent_id: agent, jti: token }) => ({ agent, token })),
      ...[...hosts].map(([agent, list]) => ({ agent, hosts: list })),
    ];
  }

  purge(now: number): void {
    this.#database.prepare('DELETE FROM revoked_agents WHERE revoked_at < ?').run(now - this.#tokenLifeMs);
    this.#database.prepare('DELETE FROM revoked_tokens WHERE revoked_at < ?').run(now - this.#tokenLifeMs);
  }
}
