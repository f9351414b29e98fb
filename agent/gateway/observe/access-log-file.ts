import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdir, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Then the file becomes `….1`, in the place of the one before. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;
/** What a slow disk may have waiting; more is left out, and counted. */
const MAX_WAITING_BYTES = 1024 * 1024;

/** Lines in a file of its owner's, bounded with the one before it. Nobody waits for the disk. */
export class AccessLogFile {
  readonly #path: string;
  readonly #maxBytes: number;
  readonly #say: (message: string) => void;
  /** Undefined while it is opened or turned, and once it cannot be written. */
  #stream: WriteStream | undefined;
  #bytes = 0;
  /** What came while there was no stream. */
  #held: string[] = [];
  #heldBytes = 0;
  #leftOut = 0;
  #broken = false;
  #closed = false;
  #turning: Promise<void>;

  constructor(path: string, say: (message: string) => void, maxBytes = MAX_FILE_BYTES) {
    this.#path = path;
    this.#say = say;
    this.#maxBytes = maxBytes;
    this.#turning = this.#open();
  }

  /** It could not be written, and is not tried again. */
  get broken(): boolean {
    return this.#broken;
  }

  /** One line with its end. Once closed, nothing. */
  write(line: string): void {
    if (this.#closed || this.#broken) return;
    const stream = this.#stream;
    const waiting = stream?.writableLength ?? this.#heldBytes;
    if (waiting > MAX_WAITING_BYTES) {
      if (this.#leftOut === 0) this.#say(`${this.#path} is slower than the requests: lines are left out.`);
      this.#leftOut += 1;
      return;
    }
    if (this.#leftOut > 0) {
      this.#say(`${this.#path} lacks ${this.#leftOut} lines; it is written again.`);
      this.#leftOut = 0;
    }
    this.#take(line);
  }

  /** Resolves once what was written is in the file. */
  async close(): Promise<void> {
    this.#closed = true;
    for (let turning; turning !== this.#turning;) {
      turning = this.#turning;
      await turning;
    }
    const stream = this.#stream;
    this.#stream = undefined;
    if (stream !== undefined) await ended(stream);
  }

  #take(line: string): void {
    const stream = this.#stream;
    if (stream === undefined) {
      this.#held.push(line);
      this.#heldBytes += line.length;
      return;
    }
    // In UTF-8 a line of other letters is longer; the bound is not meant to the byte.
    this.#bytes += line.length;
    stream.write(line);
    if (this.#bytes > this.#maxBytes) this.#turning = this.#turn(stream);
  }

  async #open(): Promise<void> {
    try {
      await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
      this.#bytes = await sizeOf(this.#path);
      const stream = createWriteStream(this.#path, { flags: 'a', mode: 0o600 });
      stream.on('error', (error) => this.#fail(error));
      const held = this.#held;
      this.#held = [];
      this.#heldBytes = 0;
      this.#stream = stream;
      for (const line of held) this.#take(line);
    } catch (error) {
      this.#fail(error);
    }
  }

  async #turn(stream: WriteStream): Promise<void> {
    this.#stream = undefined;
    await ended(stream);
    try {
      await rename(this.#path, `${this.#path}.1`);
    } catch (error) {
      this.#fail(error);
      return;
    }
    await this.#open();
  }

  #fail(error: unknown): void {
    this.#stream = undefined;
    this.#broken = true;
    const why = error instanceof Error ? error.message : String(error);
    this.#say(`The access log ${this.#path} cannot be written (${why}); it ends until the options of it change.`);
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 0;
    throw error;
  }
}

function ended(stream: WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.closed) resolve();
    else stream.once('close', resolve).end();
  });
}
