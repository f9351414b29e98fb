import { decodeJwt } from 'jose';
import { z } from 'zod';

import { brokerRecord } from '../../shared/control/api.ts';
import type { BrokerRecord, Lease } from '../../shared/control/api.ts';

const heldLease = z.object({
  id: z.string(),
  names: z.array(z.string()),
  hosts: z.array(z.string()),
  urls: z.array(z.string()),
  /** Milliseconds since the epoch. */
  expiresAt: z.number(),
});
export type HeldLease = z.infer<typeof heldLease>;

/** What the agent holds of the control plane; the shape of the cache on disk. */
export const held = z.object({
  leases: z.array(heldLease),
  token: z.string(),
  /** Milliseconds since the epoch. */
  tokenExpiresAt: z.number(),
  brokers: z.array(brokerRecord),
});
export type Held = z.infer<typeof held>;

export const nothingHeld: Held = { leases: [], token: '', tokenExpiresAt: 0, brokers: [] };

export interface HostsOfNames {
  /** Wanted names that have a host, in order. */
  readonly names: string[];
  /** One a name, in the same order. */
  readonly hosts: string[];
  readonly urls: string[];
  /** Wanted names that have no host yet, in order. */
  readonly missing: string[];
  /** Leases none of whose hosts is wanted any more. */
  readonly unwanted: string[];
}

/** Gives each wanted name the oldest host leased for it; a name wanted twice gets two hosts. */
export function hostsOfNames(names: readonly string[], leases: readonly HeldLease[]): HostsOfNames {
  const free = leases.flatMap((one) =>
    one.names.flatMap((name, index) => {
      const host = one.hosts[index];
      const url = one.urls[index];
      return host === undefined || url === undefined ? [] : [{ name, host, url, lease: one.id }];
    }),
  );
  const used = new Set<string>();
  const found: { name: string; host: string; url: string }[] = [];
  const missing: string[] = [];
  for (const name of names) {
    const index = free.findIndex((entry) => entry.name === name);
    const [entry] = index === -1 ? [] : free.splice(index, 1);
    if (entry === undefined) missing.push(name);
    else {
      used.add(entry.lease);
      found.push(entry);
    }
  }
  return {
    names: found.map(({ name }) => name),
    hosts: found.map(({ host }) => host),
    urls: found.map(({ url }) => url),
    missing,
    unwanted: leases.map(({ id }) => id).filter((id) => !used.has(id)),
  };
}

/** What is held after the control plane granted or renewed a lease of these names. */
export function withLease(before: Held, names: readonly string[], lease: Lease, now: number): Held {
  const fresh: HeldLease = {
    id: lease.id,
    names: [...names],
    hosts: lease.hosts,
    urls: lease.urls,
    expiresAt: Date.parse(lease.expiresAt),
  };
  const { iat = 0, exp = iat } = decodeJwt(lease.token);
  const known = before.leases.some(({ id }) => id === lease.id);
  return {
    leases: known ? before.leases.map((one) => (one.id === lease.id ? fresh : one)) : [...before.leases, fresh],
    token: lease.token,
    // By the life that it was given, not by the hour that it names: the clocks of both machines may differ.
    tokenExpiresAt: now + (exp - iat) * 1000,
    // None: a control plane that has just started has not heard of its brokers yet.
    brokers: lease.brokers.length === 0 ? before.brokers : lease.brokers,
  };
}

export function withoutLease(before: Held, id: string): Held {
  return { ...before, leases: before.leases.filter((one) => one.id !== id) };
}

/** The brokers as another list prefers them; those that it does not name come last. */
export function inOrderOf(order: readonly BrokerRecord[], brokers: readonly BrokerRecord[]): BrokerRecord[] {
  const places = new Map(order.map(({ id }, place) => [id, place]));
  const placeOf = ({ id }: BrokerRecord): number => places.get(id) ?? places.size;
  return brokers.toSorted((a, b) => placeOf(a) - placeOf(b));
}
