import { Http1Error } from './errors.ts';
import { lowerName } from './field-name.ts';
import { HeaderList } from './header-list.ts';
import type { HeaderPair } from './header-list.ts';

/** Larger blocks are not kept: they would cost every idle connection more than they save. */
const MAX_KEPT_BYTES = 2048;
const MAX_KEPT_LINE_BYTES = 256;
/** ` HTTP/1.1` and CRLF: the byte before them is the likeliest to differ between two request lines of one length. */
const AFTER_TARGET_BYTES = 11;
const LF = 0x0a;
/** After so many blocks in a row that did not come again, only one in so many is kept. */
const PATIENCE = 8;
const NONE: readonly HeaderPair[] = [];

/**
 * The field lines of one head after the other. The next head of a connection often has the very same bytes, and the same
 * bytes mean the same fields: they are compared instead of parsed, and the pairs are the same array, so that whoever
 * made something of them can see that it still holds. The start line before them is compared with them where it repeats.
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
  /** Where the start line begins in the current buffer; −1: it is not in it. */
  #lineFrom = -1;
  #keptPairs: readonly HeaderPair[] = NONE;
  /** A start line and its fields. */
  #keptBytes: Buffer | undefined;
  #keptLineBytes = 0;
  #misses = 0;

  /** `isApart`: fields whose names in lower case it is true for do not belong to the block. */
  constructor(maxHeaders: number, isApart: ((lowerName: string) => boolean) | undefined) {
    this.#maxHeaders = maxHeaders;
    this.#isApart = isApart;
  }

  /** The fields begin at this place of the current buffer; the start line did at `lineFrom`, or −1 when not in it. */
  begin(lineFrom: number, at: number): void {
    this.#lineFrom = lineFrom;
    this.#from = at;
    this.#to = at;
  }

  /**
   * When `buffer` has at `at` the start line and the fields of the head for which `end` last said `kept`, at most
   * `maxBytes` of them: takes both and returns how many bytes.
   */
  takeHead(buffer: Buffer, at: number, maxBytes: number): number {
    const kept = this.#keptBytes;
    const lineBytes = this.#keptLineBytes;
    if (kept === undefined || lineBytes <= AFTER_TARGET_BYTES || kept.length > maxBytes) return 0;
    const end = at + kept.length;
    const telling = lineBytes - AFTER_TARGET_BYTES - 1;
    if (end > buffer.length || buffer[at + lineBytes - 1] !== LF || buffer[at + telling] !== kept[telling]) return 0;
    if (kept.compare(buffer, at, end) !== 0) return 0;
    this.begin(at, at + lineBytes);
    this.#same = true;
    this.#misses = 0;
    this.#to = end;
    return kept.length;
  }

  /** Another buffer is the current one. */
  leaveBuffer(): void {
    this.#from = -1;
    this.#lineFrom = -1;
  }

  /** When the fields begin at `at` with the bytes kept, at most `maxBytes`: takes them and returns how many. */
  takeSame(buffer: Buffer, at: number, maxBytes: number): number {
    const kept = this.#keptBytes;
    if (kept === undefined || at !== this.#from || at !== this.#to) return 0;
    const bytes = kept.length - this.#keptLineBytes;
    const end = at + bytes;
    if (bytes > maxBytes || end > buffer.length) return 0;
    if (kept.compare(buffer, at, end, this.#keptLineBytes, kept.length) !== 0) return 0;
    this.#same = true;
    this.#misses = 0;
    this.#to = end;
    return bytes;
  }

  /** One more field, whose line is at `from` to `to` in the current buffer when it lies there whole. */
  take(pair: HeaderPair, from: number, to: number): void {
    const count = (this.#same ? this.#keptPairs : this.#pairs).length + this.#apart.length;
    if (count >= this.#maxHeaders) throw new Http1Error('http1.too-many-headers');
    if (this.#isApart?.(lowerName(pair[0])) === true) {
      this.#apart.push(pair);
      return;
    }
    if (this.#same) this.#pairs = [...this.#keptPairs];
    this.#same = false;
    this.#pairs.push(pair);
    this.#to = from === this.#to ? to : -1;
  }

  /** The head is over: its fields, those apart, and whether its start line is kept. The next begins empty. */
  end(buffer: Buffer): { headers: HeaderList; apart: readonly HeaderPair[]; kept: boolean } {
    const same = this.#same;
    const pairs = same ? this.#keptPairs : this.#pairs;
    const headers = HeaderList.over(pairs, same);
    const apart = this.#apart.length === 0 ? NONE : this.#apart;
    const kept = !same && this.#from >= 0 && this.#keep(pairs, buffer);
    // What was handed out is another's now, also when it is empty.
    if (!same) this.#pairs = [];
    if (apart !== NONE) this.#apart = [];
    this.#same = false;
    return { headers, apart, kept };
  }

  #keep(pairs: readonly HeaderPair[], buffer: Buffer): boolean {
    this.#misses += 1;
    if (this.#to <= this.#from || this.#to - this.#from > MAX_KEPT_BYTES) return false;
    if (this.#misses > PATIENCE && this.#misses % PATIENCE !== 0) return false;
    const lineBytes = this.#lineFrom < 0 ? 0 : this.#from - this.#lineFrom;
    this.#keptLineBytes = lineBytes > MAX_KEPT_LINE_BYTES ? 0 : lineBytes;
    // Copied, so that it pins no socket buffer.
    this.#keptBytes = Buffer.from(buffer.subarray(this.#from - this.#keptLineBytes, this.#to));
    this.#keptPairs = pairs;
    return true;
  }
}
