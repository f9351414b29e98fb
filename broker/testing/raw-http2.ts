import { once } from 'node:events';
import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const HEAD_BYTES = 9;

/** RFC 9113 §6. */
export const FRAME = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;
export const END_STREAM = 1;
export const ACK = 1;
export const END_HEADERS = 4;

export interface RawFrame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** An HTTP/2 visitor that sends any frame, allowed or not, and keeps those that come. */
export class RawHttp2 {
  readonly frames: RawFrame[] = [];
  readonly socket: TLSSocket;
  /** Does not answer SETTINGS and PING. */
  silent = false;
  closed = false;
  #input: Buffer = Buffer.alloc(0);
  #changed: (() => void)[] = [];

  private constructor(socket: TLSSocket) {
    this.socket = socket;
    socket.on('data', (bytes: Buffer) => this.#take(bytes));
    socket.on('error', () => socket.destroy());
    socket.on('drain', () => this.#tell());
    socket.on('close', () => {
      this.closed = true;
      this.#tell();
    });
  }

  /** A connection whose preface is sent and whose first SETTINGS of the server have come. */
  static async open(address: string, host: string, ca: string): Promise<RawHttp2> {
    const port = Number(address.slice(address.lastIndexOf(':') + 1));
    const socket = connect({ host: '127.0.0.1', port, ca, servername: host, ALPNProtocols: ['h2'] });
    await once(socket, 'secureConnect');
    const made = new RawHttp2(socket);
    socket.write(PREFACE);
    made.send(FRAME.settings, 0, 0);
    await made.frame(({ type, flags }) => type === FRAME.settings && flags === 0);
    return made;
  }

  send(type: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): void {
    this.write(frameBytes(type, flags, stream, payload));
  }

  /** Any bytes; nothing once the connection is gone. */
  write(bytes: Buffer): void {
    if (!this.closed && this.socket.writable) this.socket.write(bytes);
  }

  /** Waits while the system takes no more. */
  async flushed(): Promise<void> {
    while (!this.closed && this.socket.writableNeedDrain)
      await new Promise<void>((resolve) => this.#changed.push(resolve));
  }

  /** The first frame for which this is true, also when it has come already. Rejects when the connection ends before. */
  async frame(wanted: (frame: RawFrame) => boolean): Promise<RawFrame> {
    for (;;) {
      const found = this.frames.find(wanted);
      if (found !== undefined) return found;
      if (this.closed) throw new Error('the connection ended before the frame');
      await new Promise<void>((resolve) => this.#changed.push(resolve));
    }
  }

  async end(): Promise<void> {
    while (!this.closed) await new Promise<void>((resolve) => this.#changed.push(resolve));
  }

  /** The error code of the server's last GOAWAY. */
  get goAwayCode(): number | undefined {
    return this.frames.findLast(({ type }) => type === FRAME.goAway)?.payload.readUInt32BE(4);
  }

  #take(bytes: Buffer): void {
    this.#input = Buffer.concat([this.#input, bytes]);
    while (this.#input.length >= HEAD_BYTES) {
      const length = this.#input.readUIntBE(0, 3);
      if (this.#input.length < HEAD_BYTES + length) break;
      const frame = {
        type: this.#input.readUInt8(3),
        flags: this.#input.readUInt8(4),
        stream: this.#input.readUInt32BE(5),
        payload: this.#input.subarray(HEAD_BYTES, HEAD_BYTES + length),
      };
      this.#input = this.#input.subarray(HEAD_BYTES + length);
      this.frames.push(frame);
      const asksForAnswer = frame.type === FRAME.settings || frame.type === FRAME.ping;
      if (asksForAnswer && frame.flags === 0 && !this.silent)
        this.send(frame.type, ACK, 0, frame.type === FRAME.ping ? frame.payload : Buffer.alloc(0));
    }
    this.#tell();
  }

  #tell(): void {
    const waiting = this.#changed;
    this.#changed = [];
    for (const resolve of waiting) resolve();
  }
}

export function frameBytes(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A header block of literals without indexing and without Huffman codes (RFC 7541 §6.2.2). */
export function headerBlock(fields: readonly (readonly [name: string, value: string])[]): Buffer {
  return Buffer.concat(fields.map(([name, value]) => Buffer.concat([Buffer.from([0]), text(name), text(value)])));
}

export function requestBlock(host: string, more: readonly (readonly [string, string])[] = [], method = 'GET'): Buffer {
  return headerBlock([[':method', method], [':scheme', 'https'], [':path', '/'], [':authority', host], ...more]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  // RFC 7541 §5.1: seven bits, and what does not fit follows in groups of seven.
  const length: number[] = [Math.min(bytes.length, 127)];
  if (bytes.length >= 127) {
    let rest = bytes.length - 127;
    for (; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) + 128);
    length.push(rest);
  }
  return Buffer.concat([Buffer.from(length), bytes]);
}
