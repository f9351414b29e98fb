import type { Clock } from './clock.ts';
import { YamuxError } from './errors.ts';
import { MAX_UINT32 } from './frame.ts';

const MAX_PENDING = 256;
/** Weight of a new sample in the smoothed round trip (RFC 6298 §2.3). */
const ALPHA = 1 / 8;

interface PendingPing {
  sentAt: number | undefined;
  settle(rttMs: number): void;
  fail(error: Error): void;
}

/** Pings that wait for their answer, and the round trip that the answers tell. */
export class Pings {
  /** Smoothed round trip; 0 until the first answer. */
  rttMs = 0;
  private readonly clock: Clock;
  private readonly send: (value: number) => void;
  private readonly pending = new Map<number, PendingPing>();
  private nextValue = 0;

  constructor(clock: Clock, send: (value: number) => void) {
    this.clock = clock;
    this.send = send;
  }

  /** Resolves with the round trip in ms; rejects when `signal` aborts or the session ends. */
  ping(signal?: AbortSignal): Promise<number> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(reasonOf(signal));
        return;
      }
      if (this.pending.size >= MAX_PENDING) {
        reject(new YamuxError('yamux-too-many-pings'));
        return;
      }
      const value = this.nextValue;
      this.nextValue = value === MAX_UINT32 ? 0 : value + 1;
      const abort = (): void => {
        this.pending.delete(value);
        if (signal) reject(reasonOf(signal));
      };
      signal?.addEventListener('abort', abort, { once: true });
      const done = (): void => signal?.removeEventListener('abort', abort);
      this.pending.set(value, {
        sentAt: undefined,
        settle: (rttMs) => {
          done();
          resolve(rttMs);
        },
        fail: (error) => {
          done();
          reject(error);
        },
      });
      this.send(value);
    });
  }

  /** The ping leaves now: the time before was spent in our own queue. */
  left(value: number): void {
    const ping = this.pending.get(value);
    if (ping) ping.sentAt = this.clock.now();
  }

  /** False when nobody waits for this answer (given up, or never asked). */
  answered(value: number): boolean {
    const ping = this.pending.get(value);
    if (ping?.sentAt === undefined) return false;
    this.pending.delete(value);
    const rttMs = this.clock.now() - ping.sentAt;
    this.rttMs = this.rttMs === 0 ? rttMs : this.rttMs + ALPHA * (rttMs - this.rttMs);
    ping.settle(rttMs);
    return true;
  }

  failAll(error: Error): void {
    const pending = [...this.pending.values()];
    this.pending.clear();
    for (const ping of pending) ping.fail(error);
  }
}

function reasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('the ping was given up', { cause: signal.reason });
}
