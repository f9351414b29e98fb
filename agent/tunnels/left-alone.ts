import { RETRY, STABLE_MS } from './link-state.ts';

/**
 * A broker that has drained restarts: dialled again within this time, not by all its agents at once. Twice as long after each
 * session in a row that it drained as soon as it was up.
 */
const DRAINED_MS = 1_000;

/** Brokers that are not chosen for a while, by directory id. */
export class LeftAlone {
  readonly #entries = new Map<string, { readonly strictly: boolean }>();
  /** How many sessions in a row were drained as soon as they were up. */
  readonly #hasty = new Map<string, number>();

  has(id: string): boolean {
    return this.#entries.has(id);
  }

  /** Not even where there is no other. */
  isStrict(id: string): boolean {
    return this.#entries.get(id)?.strictly === true;
  }

  /** Returns what ends it, unless it began anew meanwhile. */
  add(id: string, strictly: boolean): () => void {
    const entry = { strictly };
    this.#entries.set(id, entry);
    return () => {
      if (this.#entries.get(id) === entry) this.#entries.delete(id);
    };
  }

  /** It drains a session that was up for `heldMs`. */
  drains(id: string, heldMs: number): void {
    if (heldMs >= STABLE_MS) this.#hasty.delete(id);
    else this.#hasty.set(id, (this.#hasty.get(id) ?? 0) + 1);
  }

  /** How long one that has drained is left alone. */
  drainedMs(id: string, random: () => number): number {
    const boundMs = Math.min(RETRY.capMs, DRAINED_MS * 2 ** (this.#hasty.get(id) ?? 0));
    return boundMs * (0.25 + random() * 0.75);
  }

  /** Forgets how others drained. */
  keepOnly(ids: ReadonlySet<string>): void {
    for (const id of this.#hasty.keys()) if (!ids.has(id)) this.#hasty.delete(id);
  }
}
