import { Session, type SessionOptions } from '../session.ts';
import type { YamuxStream } from '../types.ts';
import type { ManualClock } from './manual-clock.ts';
import { type LinkEnd, type SimulatedPath, simulatedLink } from './simulated-link.ts';

const CHUNK = new Uint8Array(64 * 1024);
const ECHO = new Uint8Array(100);

/** Two sessions over a simulated link: bulk from left to right, and an echo beside it, one after another. */
export class EchoAndBulk {
  readonly clock: ManualClock;
  readonly left: Session;
  readonly right: Session;
  readonly link: LinkEnd;
  /** Round trips of the echo since the last `forget`. */
  delaysMs: number[] = [];
  /** Bulk that has arrived since the last `forget`. */
  bulkBytes = 0;
  /** Bytes a millisecond that each bulk consumer takes; Infinity: at once. */
  consumerRate = Infinity;

  constructor(clock: ManualClock, path: SimulatedPath, options: Partial<SessionOptions> = {}) {
    this.clock = clock;
    const [near, far] = simulatedLink(clock, path);
    this.link = near;
    this.left = new Session(near, { clock, ...options, role: 'client' });
    this.right = new Session(far, { clock, ...options, role: 'server', onStream: (stream) => this.serve(stream) });
  }

  startBulk(): YamuxStream {
    const stream = this.left.open();
    const fill = (): void => {
      while (stream.write(CHUNK));
    };
    stream.attach({ onData: () => {}, onEnd: () => {}, onDrain: fill, onClosed: () => {} });
    stream.write(new Uint8Array([0]));
    fill();
    return stream;
  }

  /** As one who passes on what an upstream sends: a piece at a time, the next one when he was told to go on. */
  startPassedOn(pieceBytes: number, pauseMs: number): YamuxStream {
    const stream = this.left.open();
    const piece = CHUNK.subarray(0, pieceBytes);
    let waits = false;
    const later = (): void => void this.clock.after(pauseMs, pass);
    const pass = (): void => {
      waits = !stream.write(piece);
      if (!waits) later();
    };
    stream.attach({
      onData: () => {},
      onEnd: () => {},
      onDrain: () => {
        if (waits) later();
        waits = false;
      },
      onClosed: () => {},
    });
    stream.write(new Uint8Array([0]));
    pass();
    return stream;
  }

  startEcho(pauseMs = 5): void {
    const stream = this.left.open();
    let sentAt = 0;
    let missing = 0;
    const ask = (): void => {
      sentAt = this.clock.now();
      missing = ECHO.length;
      stream.write(ECHO);
    };
    stream.attach({
      onData: (bytes) => {
        stream.consumed(bytes.length);
        missing -= bytes.length;
        if (missing > 0) return;
        this.delaysMs.push(this.clock.now() - sentAt);
        this.clock.after(pauseMs, ask);
      },
      onEnd: () => {},
      onDrain: () => {},
      onClosed: () => {},
    });
    stream.write(new Uint8Array([1]));
    ask();
  }

  forget(): void {
    this.delaysMs = [];
    this.bulkBytes = 0;
  }

  /** The middle one of the echo's round trips. */
  get medianMs(): number {
    return [...this.delaysMs].sort((a, b) => a - b)[Math.floor(this.delaysMs.length / 2)] ?? Infinity;
  }

  end(): void {
    this.left.destroy();
    this.right.destroy();
  }

  /** The first byte tells what the stream is: bulk to be taken, or an echo. */
  private serve(stream: YamuxStream): void {
    let isEcho: boolean | undefined;
    let freeAt = 0;
    stream.attach({
      onData: (bytes) => {
        let payload = bytes;
        if (isEcho === undefined) {
          isEcho = bytes[0] === 1;
          payload = bytes.subarray(1);
        }
        if (isEcho) {
          stream.consumed(bytes.length);
          if (payload.length > 0) stream.write(payload);
          return;
        }
        this.bulkBytes += payload.length;
        if (this.consumerRate === Infinity) {
          stream.consumed(bytes.length);
          return;
        }
        freeAt = Math.max(freeAt, this.clock.now()) + bytes.length / this.consumerRate;
        this.clock.after(freeAt - this.clock.now(), () => stream.consumed(bytes.length));
      },
      onEnd: () => {},
      onDrain: () => {},
      onClosed: () => {},
    });
  }
}
