import type { Clock } from './clock.ts';

export interface KeepAliveSettings {
  /** A ping is sent this often. */
  readonly intervalMs: number;
  /** Silence after a ping that makes the session suspect; twice as much ends it. */
  readonly missMs: number;
}

export const defaultKeepAlive: KeepAliveSettings = { intervalMs: 1_000, missMs: 1_000 };

export interface KeepAliveHost {
  sendPing(): void;
  onSuspect(suspect: boolean): void;
  onDead(): void;
}

/**
 * Watches for silence after a ping. Any byte from the peer counts as an answer, since a ping answer may have to wait
 * behind data. A timer that fires late (a busy process, a laptop that slept) starts the count again: the answer may
 * lie unread in our own socket.
 */
export class KeepAlive {
  suspect = false;
  private readonly settings: KeepAliveSettings;
  private readonly clock: Clock;
  private readonly host: KeepAliveHost;
  private nextPingAt: number;
  /** When the oldest ping since the last byte was sent. */
  private unansweredSince: number | undefined;
  private cancelTimer: (() => void) | undefined;

  constructor(settings: KeepAliveSettings, clock: Clock, host: KeepAliveHost) {
    this.settings = settings;
    this.clock = clock;
    this.host = host;
    this.nextPingAt = clock.now() + settings.intervalMs;
    this.arm();
  }

  /** Bytes came from the peer. */
  heard(): void {
    this.unansweredSince = undefined;
    if (!this.suspect) return;
    this.suspect = false;
    this.host.onSuspect(false);
  }

  stop(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
  }

  private arm(): void {
    const now = this.clock.now();
    const dueAt = Math.min(this.nextPingAt, this.missAt() ?? Infinity);
    this.cancelTimer = this.clock.after(Math.max(1, dueAt - now), () => this.fire(dueAt));
  }

  /** When the silence becomes suspect, or deadly once it is suspect. */
  private missAt(): number | undefined {
    if (this.unansweredSince === undefined) return undefined;
    return this.unansweredSince + this.settings.missMs * (this.suspect ? 2 : 1);
  }

  private fire(dueAt: number): void {
    const now = this.clock.now();
    this.cancelTimer = undefined;
    const late = now - dueAt > this.settings.missMs / 2;
    if (late && this.unansweredSince !== undefined) {
      this.unansweredSince = now - (this.suspect ? this.settings.missMs : 0);
    }
    const missAt = this.missAt();
    if (missAt !== undefined && missAt <= now) {
      if (this.suspect) {
        this.host.onDead();
        return;
      }
      this.suspect = true;
      this.host.onSuspect(true);
    }
    if (this.nextPingAt <= now) {
      this.nextPingAt = now + this.settings.intervalMs;
      this.unansweredSince ??= now;
      this.host.sendPing();
    }
    this.arm();
  }
}
