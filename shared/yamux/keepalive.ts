import type { Clock } from './clock.ts';

export interface KeepAliveSettings {
  /** A ping is sent this often. */
  readonly intervalMs: number;
  /** Silence after a ping that makes the session suspect; twice as much ends it. */
  readonly missMs: number;
}

/** Late by more than this, a timer fires before what came meanwhile was read. */
const READ_FIRST_MS = 20;
/** How often in one silence a process may excuse the peer with its own lateness. */
const MAX_EXCUSES = 4;

export const defaultKeepAlive: KeepAliveSettings = { intervalMs: 1_000, missMs: 1_000 };

export interface KeepAliveHost {
  sendPing(): void;
  onSuspect(suspect: boolean): void;
  /** Silent for twice `missMs`, and again each `missMs` after. False keeps the session, as the last way there is. */
  onSilent(silentMs: number): boolean;
  onDead(): void;
}

/**
 * Watches for silence after a ping. Any byte from the peer counts as an answer, since a ping answer may have to wait
 * behind data. A timer that fires late (a process without a processor, a laptop that slept) tells of this side, not of
 * the peer: what lies unread in our own socket is read before it is judged, and a timer that is very late starts the
 * count again.
 */
export class KeepAlive {
  suspect = false;
  private readonly settings: KeepAliveSettings;
  private readonly clock: Clock;
  private readonly host: KeepAliveHost;
  private nextPingAt: number;
  /** When the oldest ping since the last byte was sent. */
  private unansweredSince: number | undefined;
  /** When it was last asked whether the session may end. */
  private askedAt: number | undefined;
  private excuses = 0;
  private cancelTimer: (() => void) | undefined;
  private stopped = false;

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
    this.askedAt = undefined;
    this.excuses = 0;
    if (!this.suspect) return;
    this.suspect = false;
    this.host.onSuspect(false);
  }

  stop(): void {
    this.stopped = true;
    this.cancelTimer?.();
    this.cancelTimer = undefined;
  }

  private arm(): void {
    if (this.stopped) return;
    const now = this.clock.now();
    const dueAt = Math.min(this.nextPingAt, this.missAt() ?? Infinity);
    this.cancelTimer = this.clock.after(Math.max(1, dueAt - now), () => this.fire(dueAt));
  }

  /** When the silence becomes suspect, or deadly once it is suspect. */
  private missAt(): number | undefined {
    if (this.unansweredSince === undefined) return undefined;
    if (this.askedAt !== undefined) return this.askedAt + this.settings.missMs;
    return this.unansweredSince + this.settings.missMs * (this.suspect ? 2 : 1);
  }

  private fire(dueAt: number): void {
    const now = this.clock.now();
    const lateMs = now - dueAt;
    if (this.unansweredSince !== undefined && lateMs > this.settings.missMs / 4 && this.excuses < MAX_EXCUSES) {
      this.excuses += 1;
      this.askedAt = undefined;
      this.unansweredSince = now - (this.suspect ? this.settings.missMs : 0);
    }
    if (lateMs > READ_FIRST_MS && (this.missAt() ?? Infinity) <= now) {
      // The next turn of the event loop reads the socket before it comes to this timer.
      this.cancelTimer = this.clock.after(1, () => this.judge());
    } else this.judge();
  }

  private judge(): void {
    const now = this.clock.now();
    this.cancelTimer = undefined;
    const missAt = this.missAt();
    if (missAt !== undefined && missAt <= now) {
      if (this.suspect) {
        if (this.host.onSilent(now - (this.unansweredSince ?? now))) {
          this.host.onDead();
          return;
        }
        this.askedAt = now;
      } else {
        this.suspect = true;
        this.host.onSuspect(true);
      }
    }
    if (this.nextPingAt <= now) {
      this.nextPingAt = now + this.settings.intervalMs;
      this.unansweredSince ??= now;
      this.host.sendPing();
    }
    this.arm();
  }
}
