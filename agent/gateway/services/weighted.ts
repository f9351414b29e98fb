import type { StickyConfig } from '../../../shared/gateway/service.ts';
import type { Choice, ChoiceBasis, Refusal, Service } from './choice.ts';
import { EarliestDeadline } from './earliest-deadline.ts';
import { NO_SERVER } from './no-server.ts';
import { rendezvous } from './rendezvous.ts';
import { Sticky, type Named } from './sticky.ts';

export interface WeightedEntry extends Named {
  readonly service: Service;
  readonly weight: number;
}

const ANY = (): boolean => true;

/** Shares requests among services, as a route with several backends does. */
export class Weighted implements Service {
  readonly #turns: EarliestDeadline<WeightedEntry>;
  readonly #sticky: Sticky<WeightedEntry> | undefined;

  constructor(entries: readonly WeightedEntry[], sticky: StickyConfig | undefined) {
    this.#turns = new EarliestDeadline(entries.map((entry) => ({ entry, weight: entry.weight })));
    const able = entries.filter(({ weight }) => weight > 0);
    this.#sticky = sticky === undefined ? undefined : new Sticky(sticky, able);
  }

  choose(basis: ChoiceBasis): Choice | Refusal {
    const known = this.#sticky?.find(basis);
    const entry = known?.entry ?? this.#turns.next(ANY);
    if (entry === undefined) return NO_SERVER;
    const choice = entry.service.choose(basis);
    const write = this.#sticky !== undefined && (known === undefined || known.stale);
    const cookies = write ? [this.#sticky.cookieFor(entry), ...choice.cookies] : choice.cookies;
    if (choice.kind === 'refused') return { ...choice, cookies };
    return { ...choice, cookies, constant: false };
  }
}

/** Gives a visitor's address always the same of its services. */
export class HighestRandomWeight implements Service {
  readonly #shares: readonly { entry: WeightedEntry; weight: number }[];

  constructor(entries: readonly WeightedEntry[]) {
    this.#shares = entries.map((entry) => ({ entry, weight: entry.weight }));
  }

  choose(basis: ChoiceBasis): Choice | Refusal {
    const choice = rendezvous(this.#shares, basis.clientIp, ANY)?.service.choose(basis);
    if (choice === undefined) return NO_SERVER;
    return choice.kind === 'refused' ? choice : { ...choice, constant: false };
  }
}
