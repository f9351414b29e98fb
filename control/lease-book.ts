import type { DatabaseSync } from 'node:sqlite';

import { z } from 'zod';

import { transaction } from './database.ts';
import { ControlError } from './errors.ts';
import { randomHost, randomName } from './random-name.ts';
import type { RandomBytes } from './random-name.ts';

/** After its end a host belongs to nobody for this long, so that links to it never reach a stranger (name takeover). */
const QUARANTINE_MS = 7 * 24 * 3_600_000;
const HOST_TRIES = 16;
/** Leases that are forgotten at a time: nobody is answered meanwhile. */
const PURGED_AT_ONCE = 1_000;

export interface LeaseLimits {
  readonly leasesPerAgent: number;
  /** At most 64: a token carries them all. */
  readonly hostsPerAgent: number;
}

export interface LeaseBookOptions {
  readonly database: DatabaseSync;
  readonly domain: string;
  readonly nameBits: number;
  readonly limits: LeaseLimits;
  readonly randomBytes: RandomBytes;
}

export interface HeldLease {
  readonly id: string;
  /** In the order of the wanted names. */
  readonly hosts: readonly string[];
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

const leaseRow = z.object({ id: z.string(), expires_at: z.number(), released_at: z.number().nullable() });
const hostRow = z.object({ host: z.string() });
const countRow = z.object({ leases: z.number(), hosts: z.number() });

/** Who holds which preview hosts until when. A host is in the table from its lease to the end of its quarantine. */
export class LeaseBook {
  readonly #o: LeaseBookOptions;

  constructor(options: LeaseBookOptions) {
    this.#o = options;
  }

  /** Gives one new host a name. Throws `lease-limit`, `name-exhausted`. */
  grant(agentId: string, names: readonly string[], ttlMs: number, now: number): HeldLease {
    const { database, domain, nameBits, randomBytes } = this.#o;
    return transaction(database, () => {
      this.#checkLimits(agentId, { leases: 1, hosts: names.length }, now);
      const id = `lse-${randomName(100, randomBytes)}`;
      const expiresAt = now + ttlMs;
      database
        .prepare('INSERT INTO leases (id, agent_id, created_at, expires_at) VALUES (?, ?, ?, ?)')
        .run(id, agentId, now, expiresAt);
      const hosts = names.map((name, position) => {
        for (let attempt = 0; attempt < HOST_TRIES; attempt++) {
          const host = randomHost(name, domain, nameBits, randomBytes);
          const { changes } = database
            .prepare('INSERT OR IGNORE INTO hosts (host, lease_id, position) VALUES (?, ?, ?)')
            .run(host, id, position);
          if (changes === 1) return host;
        }
        throw new ControlError('name-exhausted', `no free host was found for the name ${name}`, {
          retryAfterSeconds: 1,
        });
      });
      return { id, hosts, expiresAt };
    });
  }

  /**
   * Extends a lease. One that expired (a machine that slept) comes back with its hosts while they are in quarantine;
   * one that was given back does not. Throws `unknown-lease`, `lease-limit`.
   */
  renew(agentId: string, id: string, ttlMs: number, now: number): HeldLease {
    const { database } = this.#o;
    return transaction(database, () => {
      const row = this.#find(agentId, id);
      if (row === undefined || row.released_at !== null) throw unknownLease(id);
      const hosts = this.#hostsOf(id);
      if (row.expires_at <= now) this.#checkLimits(agentId, { leases: 1, hosts: hosts.length }, now);
      const expiresAt = now + ttlMs;
      database.prepare('UPDATE leases SET expires_at = ? WHERE id = ?').run(expiresAt, id);
      return { id, hosts, expiresAt };
    });
  }

  /** Ends a lease. Ending it again is no error. Throws `unknown-lease`. */
  release(agentId: string, id: string, now: number): void {
    if (this.#find(agentId, id) === undefined) throw unknownLease(id);
    this.#o.database.prepare('UPDATE leases SET released_at = ? WHERE id = ? AND released_at IS NULL').run(now, id);
  }

  /** The hosts of all live leases of the agent: what a token may say. */
  liveHosts(agentId: string, now: number): string[] {
    return this.#o.database
      .prepare(
        `SELECT host FROM hosts JOIN leases ON leases.id = lease_id
         WHERE agent_id = ? AND released_at IS NULL AND expires_at > ? ORDER BY created_at, lease_id, position`,
      )
      .all(agentId, now)
      .map((row) => hostRow.parse(row).host);
  }

  /** Forgets leases, and frees their hosts, whose quarantine is over. False: there are more of them. */
  purge(now: number): boolean {
    // A lease given back after it had expired is in quarantine from the later of both.
    const { changes } = this.#o.database
      .prepare(
        `DELETE FROM leases WHERE id IN
         (SELECT id FROM leases WHERE max(expires_at, coalesce(released_at, 0)) < ? LIMIT ?)`,
      )
      .run(now - QUARANTINE_MS, PURGED_AT_ONCE);
    return Number(changes) < PURGED_AT_ONCE;
  }

  #find(agentId: string, id: string): z.infer<typeof leaseRow> | undefined {
    const row = this.#o.database
      .prepare('SELECT id, expires_at, released_at FROM leases WHERE id = ? AND agent_id = ?')
      .get(id, agentId);
    return row === undefined ? undefined : leaseRow.parse(row);
  }

  #hostsOf(id: string): string[] {
    return this.#o.database
      .prepare('SELECT host FROM hosts WHERE lease_id = ? ORDER BY position')
      .all(id)
      .map((row) => hostRow.parse(row).host);
  }

  #checkLimits(agentId: string, more: { leases: number; hosts: number }, now: number): void {
    const { limits, database } = this.#o;
    const held = countRow.parse(
      database
        .prepare(
          `SELECT count(DISTINCT leases.id) AS leases, count(host) AS hosts FROM leases LEFT JOIN hosts ON lease_id = leases.id
           WHERE agent_id = ? AND released_at IS NULL AND expires_at > ?`,
        )
        .get(agentId, now),
    );
    if (held.leases + more.leases > limits.leasesPerAgent || held.hosts + more.hosts > limits.hostsPerAgent) {
      throw new ControlError(
        'lease-limit',
        `agent ${agentId} holds ${held.leases} leases with ${held.hosts} hosts; ` +
          `${limits.leasesPerAgent} leases and ${limits.hostsPerAgent} hosts are allowed`,
        { hint: 'Give back a lease with DELETE /v1/leases/ID, or wait until one expires.' },
      );
    }
  }
}

function unknownLease(id: string): ControlError {
  return new ControlError('unknown-lease', `the agent has no lease ${id}`, {
    hint: 'Ask for a new one with POST /v1/leases.',
  });
}
