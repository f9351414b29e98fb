import type { DatabaseSync } from 'node:sqlite';

import type { Lease } from '../shared/control/api.ts';

import { AgentRegistry } from './agent-registry.ts';
import { BrokerDirectory, preferBrokers, withoutPeer } from './broker-directory.ts';
import { DirectoryListeners } from './directory-listeners.ts';
import { EdgeDirectory } from './edge-directory.ts';
import { ControlError } from './errors.ts';
import { LeaseBook } from './lease-book.ts';
import type { HeldLease } from './lease-book.ts';
import type { ControlLimits } from './options.ts';
import { TOKEN_MAX_SECONDS } from './options.ts';
import { randomName } from './random-name.ts';
import type { RandomBytes } from './random-name.ts';
import { RevocationList } from './revocation-list.ts';
import { SigningKeys } from './signing-keys.ts';

const ROTATE_AFTER_MS = 30 * 24 * 3_600_000;
const PURGE_EVERY_MS = 3_600_000;

export interface ControlPlaneOptions {
  readonly database: DatabaseSync;
  readonly issuer: string;
  readonly domain: string;
  readonly publicUrl: string | undefined;
  readonly nameBits: number;
  /** Longest life of a tunnel token. */
  readonly tokenSeconds: number;
  readonly limits: ControlLimits;
  readonly randomBytes: RandomBytes;
}

/** What the control plane knows and decides, without HTTP. Times are milliseconds since the epoch, passed in. */
export class ControlPlane {
  readonly agents: AgentRegistry;
  readonly leases: LeaseBook;
  readonly brokers: BrokerDirectory;
  readonly edges: EdgeDirectory;
  readonly keys: SigningKeys;
  readonly listeners: DirectoryListeners;
  readonly revocations: RevocationList;
  readonly #o: ControlPlaneOptions;
  #purgedAt = 0;

  constructor(options: ControlPlaneOptions) {
    const { database, domain, nameBits, limits, randomBytes } = options;
    this.#o = options;
    this.agents = new AgentRegistry(database, randomBytes, limits.agents);
    this.leases = new LeaseBook({ database, domain, nameBits, limits, randomBytes });
    this.listeners = new DirectoryListeners(limits.listeners);
    this.brokers = new BrokerDirectory(() => this.listeners.publish(this.brokers.list()));
    this.edges = new EdgeDirectory(database);
    this.keys = new SigningKeys(database);
    this.revocations = new RevocationList(database, TOKEN_MAX_SECONDS * 1000);
  }

  /** Throws `no-edge`, `lease-limit`, `name-exhausted`. */
  async grant(agentId: string, names: readonly string[], ttlSeconds: number, now: number): Promise<Lease> {
    const template = this.#template(now);
    return this.#document(
      agentId,
      this.leases.grant(agentId, names, ttlSeconds * 1000, now),
      template,
      ttlSeconds,
      now,
    );
  }

  /** Throws `no-edge`, `unknown-lease`, `lease-limit`. */
  async renew(agentId: string, id: string, ttlSeconds: number, now: number): Promise<Lease> {
    const template = this.#template(now);
    return this.#document(agentId, this.leases.renew(agentId, id, ttlSeconds * 1000, now), template, ttlSeconds, now);
  }

  /** One token of the agent. Throws `unknown-agent`, `revocation-limit`. */
  revokeToken(agentId: string, jti: string, now: number): void {
    this.agents.mustKnow(agentId);
    this.revocations.revokeToken(agentId, jti, now);
  }

  /** Call about every second. */
  async sweep(now: number): Promise<void> {
    this.brokers.sweep(now);
    if (now - this.#purgedAt < PURGE_EVERY_MS) return;
    // What is left waits for the next call.
    if (!this.leases.purge(now)) return;
    this.#purgedAt = now;
    this.agents.forgetIdle(now);
    this.revocations.purge(now);
    if (now - (this.keys.newestAt() ?? now) > ROTATE_AFTER_MS) await this.keys.rotate(now);
  }

  close(): void {
    this.listeners.close();
  }

  #template(now: number): string {
    const template = this.#o.publicUrl ?? this.edges.newest(now);
    if (template !== undefined) return template;
    throw new ControlError('no-edge', 'no edge has said where visitors reach preview hosts', {
      hint: 'Start an edge with this control plane, or give the control plane a public URL.',
      retryAfterSeconds: 1,
    });
  }

  async #document(agentId: string, held: HeldLease, template: string, ttlSeconds: number, now: number): Promise<Lease> {
    const issuedAt = Math.floor(now / 1000);
    const token = await this.keys.sign({
      iss: this.#o.issuer,
      sub: agentId,
      hosts: this.leases.liveHosts(agentId, now),
      iat: issuedAt,
      exp: issuedAt + Math.min(ttlSeconds, this.#o.tokenSeconds),
      jti: randomName(100, this.#o.randomBytes),
    });
    return {
      id: held.id,
      hosts: [...held.hosts],
      urls: held.hosts.map((host) => template.replace('{host}', host)),
      expiresAt: new Date(held.expiresAt).toISOString(),
      token,
      brokers: preferBrokers(this.brokers.list()).map(withoutPeer),
    };
  }
}
