import type { BrokerHeartbeat, BrokerRecord } from '../shared/control/api.ts';

import { ControlError } from './errors.ts';

/** Silence after which a broker is no longer listed. */
export const BROKER_SILENCE_MS = 15_000;
const MAX_BROKERS = 256;

/**
 * The brokers that are alive, in memory: after a restart of the control plane they are all back within one heartbeat.
 * `onChange` hears of joined, left, moved and draining brokers at once, of load with the next `sweep`.
 */
export class BrokerDirectory {
  readonly #brokers = new Map<string, { record: BrokerRecord; seenAt: number }>();
  readonly #onChange: () => void;
  #loadChanged = false;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Throws `broker-limit`. */
  put(id: string, heartbeat: BrokerHeartbeat, now: number): void {
    const known = this.#brokers.get(id)?.record;
    if (known === undefined && this.#brokers.size >= MAX_BROKERS) {
      throw new ControlError('broker-limit', `${MAX_BROKERS} brokers are registered, which is the limit`, {
        retryAfterSeconds: 15,
      });
    }
    const record: BrokerRecord = { id, ...heartbeat };
    this.#brokers.set(id, { record, seenAt: now });
    if (known === undefined || !sameButLoad(known, record)) this.#onChange();
    else if (known.sessions !== record.sessions) this.#loadChanged = true;
  }

  /** Drops silent brokers. */
  sweep(now: number): void {
    let left = false;
    for (const [id, { seenAt }] of this.#brokers) {
      if (now - seenAt > BROKER_SILENCE_MS) left = this.#brokers.delete(id);
    }
    if (left || this.#loadChanged) {
      this.#loadChanged = false;
      this.#onChange();
    }
  }

  /** By id. */
  list(): BrokerRecord[] {
    return [...this.#brokers.values()].map(({ record }) => record).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }
}

function sameButLoad(a: BrokerRecord, b: BrokerRecord): boolean {
  return (
    a.region === b.region &&
    a.tunnel === b.tunnel &&
    a.address === b.address &&
    a.peer === b.peer &&
    a.draining === b.draining
  );
}

/**
 * The order in which an agent should prefer brokers: those that stay before those that drain, one of each region before
 * a second of any, and fewer sessions first. The agent measures round trips itself and knows better from then on.
 */
export function preferBrokers(brokers: readonly BrokerRecord[]): BrokerRecord[] {
  const byLoad = brokers.toSorted(
    (a, b) => Number(a.draining) - Number(b.draining) || a.sessions - b.sessions || (a.id < b.id ? -1 : 1),
  );
  const rounds = new Map<string, number>();
  return byLoad
    .map((broker) => {
      const round = rounds.get(broker.region) ?? 0;
      rounds.set(broker.region, round + 1);
      return { broker, round };
    })
    .toSorted((a, b) => Number(a.broker.draining) - Number(b.broker.draining) || a.round - b.round)
    .map(({ broker }) => broker);
}

/** What everyone may see; `peer` is for brokers and edges only. */
export function withoutPeer({ peer: _inner, ...open }: BrokerRecord): BrokerRecord {
  return open;
}
