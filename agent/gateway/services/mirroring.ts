import type { Choice, ChoiceBasis, Mirror, Refusal, Service } from './choice.ts';

/** Copies a share of the requests: `percent` of all that came so far, so that the share is right at any moment. */
export class Mirroring implements Service {
  readonly #service: Service;
  readonly #mirrors: readonly { readonly mirror: Mirror; readonly percent: number; sent: number }[];
  #total = 0;

  constructor(service: Service, mirrors: readonly { readonly mirror: Mirror; readonly percent: number }[]) {
    this.#service = service;
    this.#mirrors = mirrors.map((each) => ({ ...each, sent: 0 }));
  }

  choose(basis: ChoiceBasis): Choice | Refusal {
    this.#total += 1;
    const active: Mirror[] = [];
    for (const each of this.#mirrors) {
      if (each.sent * 100 >= this.#total * each.percent) continue;
      each.sent += 1;
      active.push(each.mirror);
    }
    const choice = this.#service.choose(basis);
    if (choice.kind === 'refused') return choice;
    return { ...choice, constant: false, mirrors: [...choice.mirrors, ...active] };
  }
}
