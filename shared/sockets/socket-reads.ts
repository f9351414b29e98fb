import type { OnReadOpts } from 'node:net';
import { copyRead, readMemory } from './read-memory.ts';

/** Reads of one socket by way of `onread`, which spares it the machinery of a stream. */
export class SocketReads {
  /** Gets bytes that stay as they are. Set before the socket has connected. */
  onBytes: (bytes: Buffer) => void = () => {};
  /** An option of `net.connect`. */
  readonly onread: OnReadOpts;

  private constructor(buffer: Uint8Array) {
    this.onread = {
      buffer,
      callback: (length, bytes) => {
        this.onBytes(copyRead(bytes, length));
        return true;
      },
    };
  }

  /** Undefined where sockets cannot share memory. */
  static make(): SocketReads | undefined {
    const buffer = readMemory();
    return buffer === undefined ? undefined : new SocketReads(buffer);
  }
}
