import { join } from 'node:path';
import { z } from 'zod';
import { readStateFile, writeStateFile } from '../../lease/state-file.ts';
import type { Limiter } from '../limiter.ts';

/** Bounds of the file: what is left out was used longest ago. */
const MAX_KEYS = 4096;
const MAX_SLOTS = 32;
const MAX_BYTES = 8 * 1024 * 1024;
/** What a crash can forget. */
const SAVE_AFTER_MS = 1000;

const age = z.number().int().nonnegative();
const calls = z.number().int().nonnegative();
const consumptionFile = z.object({
  savedAt: z.number(),
  levels: z.array(z.tuple([z.string(), z.number().nonnegative(), z.number().nonnegative(), age])).max(MAX_KEYS),
  windows: z
    .array(z.tuple([z.string(), z.number().positive(), z.array(z.tuple([age, age, calls])).max(MAX_SLOTS)]))
    .max(MAX_KEYS),
});

export interface KeptConsumptionOptions {
  readonly stateDir: string;
  readonly limiter: Limiter;
  /** Wall clock, milliseconds. */
  readonly wallClock?: () => number;
  readonly saveAfterMs?: number;
  /** The file cannot be written: said once, until it can again. */
  readonly onTrouble: (message: string) => void;
}

/** Keeps what was consumed across restarts of the agent, in a file of its state folder. */
export class KeptConsumption {
  #options: KeptConsumptionOptions;
  #path: string;
  #wallClock: () => number;
  #timer: NodeJS.Timeout | undefined;
  #saving: Promise<void> = Promise.resolve();
  #dirty = false;
  #troubled = false;

  constructor(options: KeptConsumptionOptions) {
    this.#options = options;
    this.#path = join(options.stateDir, 'consumption.json');
    this.#wallClock = options.wallClock ?? Date.now;
  }

  /** Restores, and writes down from now on. Throws AgentError `state-unwritable` when the file cannot be read. */
  async start(): Promise<void> {
    const { limiter } = this.#options;
    const kept = await readStateFile(this.#path, consumptionFile, MAX_BYTES);
    // A wall clock that went back makes no time pass.
    if (kept !== undefined) limiter.restore(kept, Math.max(0, this.#wallClock() - kept.savedAt));
    limiter.onChange = () => this.#changed();
  }

  /** Writes down what is not yet. */
  async close(): Promise<void> {
    this.#options.limiter.onChange = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#save();
  }

  #changed(): void {
    this.#dirty = true;
    this.#timer ??= setTimeout(() => {
      void this.#save().then(() => {
        this.#timer = undefined;
        if (this.#dirty && this.#options.limiter.onChange !== undefined) this.#changed();
      });
    }, this.#options.saveAfterMs ?? SAVE_AFTER_MS).unref();
  }

  #save(): Promise<void> {
    this.#saving = this.#saving.then(async () => {
      if (!this.#dirty) return;
      this.#dirty = false;
      const consumption = this.#options.limiter.consumption(MAX_KEYS, MAX_SLOTS);
      try {
        await writeStateFile(this.#path, { savedAt: this.#wallClock(), ...consumption });
        this.#troubled = false;
      } catch (error) {
        if (!this.#troubled) this.#options.onTrouble(error instanceof Error ? error.message : String(error));
        this.#troubled = true;
      }
    });
    return this.#saving;
  }
}
