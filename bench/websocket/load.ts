import type { ByteChannel } from '../../shared/yamux/types.ts';

/**
 * bulk: what a Yamux session hands over when a stream sends much, 4 × (header, 64 KiB), as long as less than 256 KiB wait.
 * small: one chunk of 100 bytes a message, 64 of them under way. echo: one such message to and fro.
 */
export type Kind = 'bulk' | 'small' | 'echo';

const HEADER = new Uint8Array(12);
const PIECE = Buffer.alloc(64 * 1024, 7);
const BATCH: readonly Uint8Array[] = [HEADER, PIECE, HEADER, PIECE, HEADER, PIECE, HEADER, PIECE];
const BATCH_BYTES = 4 * (HEADER.length + PIECE.length);
const HIGH_WATER_BYTES = 256 * 1024;
export const SMALL = Buffer.alloc(100, 7);
const SMALL_WINDOW = 64;

/** One end of a carrier under load: it counts what comes, and sends what it is told to. */
export class LoadEnd {
  private readonly channel: ByteChannel;
  private received = 0;
  private awaited: { readonly bytes: number; done(): void } | undefined;
  private reply = false;
  private onEcho: (() => void) | undefined;

  constructor(channel: ByteChannel) {
    this.channel = channel;
    channel.attach({
      onBytes: (bytes) => this.onBytes(bytes.length),
      onClosed: () => undefined,
    });
  }

  /** Before the other end sends. */
  arm(kind: Kind): void {
    this.reply = kind === 'echo';
    this.received = 0;
  }

  /** Settles when so many bytes have come since it was armed. */
  receive(bytes: number): Promise<void> {
    return new Promise((resolve) => {
      this.awaited = { bytes, done: resolve };
      this.judge();
    });
  }

  send(kind: Kind, bytes: number): Promise<void> {
    this.reply = false;
    if (kind === 'echo') return this.sendEchoes(bytes / SMALL.length);
    const [chunks, size] = kind === 'bulk' ? [BATCH, BATCH_BYTES] : [[SMALL], SMALL.length];
    let left = bytes;
    let inFlight = 0;
    return new Promise((resolve) => {
      const more = (): void => {
        while (left > 0 && (kind === 'bulk' ? this.channel.queuedBytes < HIGH_WATER_BYTES : inFlight < SMALL_WINDOW)) {
          left -= size;
          inFlight++;
          this.channel.send(chunks, sent);
        }
        if (left <= 0 && inFlight === 0) resolve();
      };
      const sent = (): void => {
        inFlight--;
        more();
      };
      more();
    });
  }

  private sendEchoes(count: number): Promise<void> {
    let left = count;
    return new Promise((resolve) => {
      const next = (): void => {
        if (left-- <= 0) {
          this.onEcho = undefined;
          resolve();
        } else this.channel.send([SMALL], () => undefined);
      };
      this.onEcho = next;
      next();
    });
  }

  private onBytes(count: number): void {
    this.received += count;
    if (this.onEcho !== undefined) {
      this.onEcho();
      return;
    }
    if (this.reply) this.channel.send([SMALL], () => undefined);
    this.judge();
  }

  private judge(): void {
    if (this.awaited === undefined || this.received < this.awaited.bytes) return;
    const { done } = this.awaited;
    this.awaited = undefined;
    done();
  }
}

/** What a bulk transfer of about so many bytes comes to, in whole batches. */
export function wholeBatches(bytes: number): number {
  return Math.ceil(bytes / BATCH_BYTES) * BATCH_BYTES;
}
