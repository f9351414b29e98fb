import { networkInterfaces } from 'node:os';

import type { Clock } from '../../shared/yamux/clock.ts';

const LOOK_EVERY_MS = 1_000;
/** More than a busy process is late, less than any sleep. */
const SLEPT_MS = 3_000;

export interface MachineWatchOptions {
  readonly clock: Clock;
  /** Milliseconds since the epoch; goes on while the machine sleeps, which the clock need not do. */
  readonly now: () => number;
  /** The addresses of the machine as one text. */
  readonly addresses?: (() => string) | undefined;
  /** `reason` completes "no answer after …". */
  readonly onChange: (reason: string) => void;
}

/** Notices what kills connections without a word: a machine that slept (or a process that was stopped), another network. */
export class MachineWatch {
  readonly #o: MachineWatchOptions;
  readonly #addresses: () => string;
  #wall: number;
  #mono: number;
  #known: string;
  #cancel: (() => void) | undefined;

  constructor(options: MachineWatchOptions) {
    this.#o = options;
    this.#addresses = options.addresses ?? machineAddresses;
    this.#wall = options.now();
    this.#mono = options.clock.now();
    this.#known = this.#addresses();
    this.#arm();
  }

  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #arm(): void {
    this.#cancel = this.#o.clock.after(LOOK_EVERY_MS, () => {
      this.#arm();
      this.#look();
    });
  }

  #look(): void {
    const { now, clock, onChange } = this.#o;
    const wall = now();
    const mono = clock.now();
    // A wall clock that was set forward looks the same; the check that follows costs a ping.
    const passedMs = Math.max(wall - this.#wall, mono - this.#mono);
    this.#wall = wall;
    this.#mono = mono;
    const addresses = this.#addresses();
    const moved = addresses !== this.#known;
    this.#known = addresses;
    if (passedMs > LOOK_EVERY_MS + SLEPT_MS) onChange('the machine slept');
    else if (moved) onChange('the addresses of the machine changed');
  }
}

/** Without those of containers that come and go on bridges: an address counts when traffic to the outside may use it. */
function machineAddresses(): string {
  return Object.entries(networkInterfaces())
    .filter(([name]) => !/^(veth|docker|br-|cni|flannel|cali)/.test(name))
    .flatMap(([name, list]) => (list ?? []).filter(({ internal }) => !internal).map(({ cidr }) => `${name} ${cidr}`))
    .toSorted()
    .join();
}
