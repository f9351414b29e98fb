import { Http1Error } from './errors.ts';
import { HeaderList } from './header-list.ts';
import type { HeaderPair } from './header-list.ts';

/** Larger blocks are not kept: they would cost every idle connection more than they save. */
const MAX_KEPT_BYTES = 2048;
/** After so many blocks in a row that did not come again, only one in so many is kept. */
const PATIENCE = 8;
const NONE: readonly HeaderPair[] = [];

/**
 * The field lines of one head after the other. The next head of a connection often has the very same bytes, and the same
 * bytes mean the same fields: they are compared instead of parsed, and the pairs are the same array, so that whoever
 * made something of them can see that it still holds.
 */
export class FieldBlock {
  readonly #maxHeaders: number;
  readonly #isApart: ((lowerName: string) => boolean) | undefined;
  #pairs: HeaderPair[] = [];
  #apart: HeaderPair[] = [];
  /** `#pairs` is empty, and the fields are those kept of an earlier head. */
  #same = false;
  /** Where the fields begin and end in the current buffer, those apart not included; −1: not all of them are in it. */
  #from = -1;
  #to = -1;
  #keptPairs: readonly HeaderPair[] = NONE;
  #keptBytes: Buffer | undefined;
  #misses = 0;

  /** `isApart`: fields whose names in lower case it is true for do not belong to the block. */
  constructor(maxHeaders: number, isApart: ((lowerName: string) => boolean) | undefined) {
    this.#maxHeaders = maxHeaders;
    this.#isApart = isApart;
  }

  /** The fields begin at this place of the current buffer. */
  begin(at: number): void {
    this.#from = at;
    this.#to = at;
  }

  /** Another buffer is the current one. */
  leaveBuffer(): void {
    this.#from = -1;
  }

  /** When the fields begin at `at` with the bytes kept, at most `maxBytes`: takes them and returns how many. */
  takeSame(buffer: Buffer, at: number, maxBytes: number): number {
    const kept = this.#keptBytes;
    if (kept === undefined || at !== this.#from || at !== this.#to || kept.length > maxBytes) return 0;
    const end = at + kept.length;
    if (end > buffer.length || kept.compare(buffer, at, end) !== 0) return 0;
    this.#same = true;
    this.#misses = 0;
    this.#to = end;
    return kept.length;
  }

  /** One more field, whose line is at `from` to `to` in the current buffer when it lies there whole. */
  take(pair: HeaderPair, from: number, to: number): void {
    const count = (this.#same ? this.#keptPairs : this.#pairs).length + this.#apart.length;
    if (count >= this.#maxHeaders) throw new Http1Error('http1.too-many-headers');
    if (this.#isApart?.(pair[0].toLowerCase()) === true) {
      this.#apart.push(pair);
      return;
    }
    if (this.#same) this.#pairs = [...this.#keptPairs];
    this.#same = false;
    this.#pairs.push(pair);
    this.#to = from === this.#to ? to : -1;
  }

  /** The head is over: its fields, and those apart. The next begins empty. */
  end(buffer: Buffer): { headers: HeaderList; apart: readonly HeaderPair[] } {
    const pairs = this.#same ? this.#keptPairs : this.#pairs;
    const headers = HeaderList.over(pairs, this.#same);
    const apart = this.#apart.length === 0 ? NONE : this.#apart;
    if (!this.#same && this.#from >= 0) this.#keep(pairs, buffer);
    // What was handed out is another's now, also when it is empty.
    this.#pairs = [];
    if (apart !== NONE) this.#apart = [];
    this.#same = false;
    return { headers, apart };
  }

  #keep(pairs: readonly HeaderPair[], buffer: Buffer): void {
    this.#misses += 1;
    if (this.#to <= this.#from || this.#to - this.#from > MAX_KEPT_BYTES) return;
    if (this.#misses > PATIENCE && this.#misses % PATIENCE !== 0) return;
    // Copied, so that it pins no socket buffer.
    this.#keptBytes = Buffer.from(buffer.subarray(this.#from, this.#to));
    this.#keptPairs = pairs;
  }
}
