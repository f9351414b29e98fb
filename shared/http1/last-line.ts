/** Longer lines are parsed each time. */
const MAX_LINE_BYTES = 256;
const NONE = Buffer.alloc(0);

/** The start line that a connection had last: the same bytes mean the same, and need no second look. */
export class LastLine {
  #bytes: Buffer = NONE;

  is(line: Buffer, start: number, end: number): boolean {
    const bytes = this.#bytes;
    if (bytes.length !== end - start || bytes.length === 0) return false;
    for (let at = 0; at < bytes.length; at += 1) if (bytes[at] !== line[start + at]) return false;
    return true;
  }

  keep(line: Buffer, start: number, end: number): void {
    if (end - start <= MAX_LINE_BYTES) this.#bytes = Buffer.from(line.subarray(start, end));
  }

  forget(): void {
    this.#bytes = NONE;
  }
}
