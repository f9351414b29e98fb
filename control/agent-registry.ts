import type { DatabaseSync } from 'node:sqlite';

import { z } from 'zod';

import type { EnrolReply } from '../shared/control/api.ts';

import { hashCredential, matchesAny } from './credential.ts';
import { transaction } from './database.ts';
import { ControlError } from './errors.ts';
import { randomName } from './random-name.ts';
import type { RandomBytes } from './random-name.ts';

const HOUR_MS = 3_600_000;
/** An agent without a lease that was silent this long is forgotten; it enrols again when it comes back. */
const FORGET_AFTER_MS = 90 * 24 * HOUR_MS;

const hashRow = z.object({ secret_hash: z.instanceof(Uint8Array), seen_at: z.number() });
const countRow = z.object({ n: z.number() });

/** The enrolled agents. A secret is `AGENT-ID.RANDOM`; only its hash is kept. */
export class AgentRegistry {
  readonly #database: DatabaseSync;
  readonly #randomBytes: RandomBytes;
  readonly #maxAgents: number;

  constructor(database: DatabaseSync, randomBytes: RandomBytes, maxAgents: number) {
    this.#database = database;
    this.#randomBytes = randomBytes;
    this.#maxAgents = maxAgents;
  }

  /** Throws `agent-limit`. */
  enrol(name: string, now: number): EnrolReply {
    const { n } = countRow.parse(this.#database.prepare('SELECT count(*) AS n FROM agents').get());
    if (n >= this.#maxAgents) {
      throw new ControlError('agent-limit', `${n} agents are enrolled, which is the limit`, {
        retryAfterSeconds: 3600,
      });
    }
    const agentId = `agt-${randomName(100, this.#randomBytes)}`;
    const secret = `${agentId}.${randomName(256, this.#randomBytes)}`;
    this.#database
      .prepare('INSERT INTO agents (id, name, secret_hash, created_at, seen_at) VALUES (?, ?, ?, ?, ?)')
      .run(agentId, name, hashCredential(secret), now, now);
    return { agentId, secret };
  }

  /** The agent whose secret this is, or undefined. */
  authenticate(secret: string, now: number): string | undefined {
    const agentId = secret.slice(0, Math.max(0, secret.indexOf('.')));
    const found = this.#database.prepare('SELECT secret_hash, seen_at FROM agents WHERE id = ?').get(agentId);
    const row = found === undefined ? undefined : hashRow.parse(found);
    // Hashed and compared also when the agent is unknown, so that both take the same time.
    if (!matchesAny(secret, [row?.secret_hash ?? new Uint8Array(32)]) || row === undefined) return undefined;
    if (now - row.seen_at > HOUR_MS) {
      this.#database.prepare('UPDATE agents SET seen_at = ? WHERE id = ?').run(now, agentId);
    }
    return agentId;
  }

  /** Throws `unknown-agent`. */
  mustKnow(agentId: string): void {
    if (this.#database.prepare('SELECT 1 FROM agents WHERE id = ?').get(agentId) === undefined)
      throw new ControlError('unknown-agent', `there is no agent ${agentId}`);
  }

  /** The secret is worth nothing from now on, and all leases end; hosts stay in quarantine. Throws `unknown-agent`. */
  revoke(agentId: string, now: number): void {
    transaction(this.#database, () => {
      const { changes } = this.#database
        .prepare('UPDATE agents SET secret_hash = zeroblob(32) WHERE id = ?')
        .run(agentId);
      if (changes === 0) throw new ControlError('unknown-agent', `there is no agent ${agentId}`);
      this.#database
        .prepare('UPDATE leases SET released_at = ? WHERE agent_id = ? AND released_at IS NULL')
        .run(now, agentId);
      this.#database
        .prepare('INSERT OR REPLACE INTO revoked_agents (agent_id, revoked_at) VALUES (?, ?)')
        .run(agentId, now);
    });
  }

  forgetIdle(now: number): void {
    this.#database
      .prepare('DELETE FROM agents WHERE seen_at < ? AND id NOT IN (SELECT agent_id FROM leases)')
      .run(now - FORGET_AFTER_MS);
  }
}
