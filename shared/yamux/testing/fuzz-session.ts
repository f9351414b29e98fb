import { headerBytes, MAX_UINT32 } from '../frame.ts';
import { Session } from '../session.ts';
import type { ByteChannel, ChannelReceiver, YamuxStream } from '../types.ts';
import { ManualClock } from './manual-clock.ts';

export interface FuzzOutcome {
  /** The code with which the session ended; undefined when it survived. */
  readonly code: string | undefined;
  readonly bytes: number;
  readonly streamsOpened: number;
}

const WINDOW = 256 * 1024;
const BUDGET = 2 * 1024 * 1024;
const lengths = [
  0,
  1,
  2,
  11,
  12,
  13,
  255,
  4095,
  4096,
  4097,
  65_535,
  65_536,
  WINDOW - 1,
  WINDOW,
  WINDOW + 1,
  2 ** 31,
  MAX_UINT32,
];

/**
 * Feeds one session with frames of which most are nearly right, mutated and cut anywhere, while its receivers read,
 * write, end and reset as they like. Throws when the session throws, or breaks what it promises. Same seed, same run.
 */
export async function fuzzSession(seed: number): Promise<FuzzOutcome> {
  const random = mulberry32(seed);
  const pick = (below: number): number => Math.floor(random() * below);
  const channel = new NullChannel();
  const clock = new ManualClock();
  const role = pick(2) === 0 ? 'client' : 'server';
  const peer = new Peer(role === 'server', pick);
  const session = new Session(channel, {
    role,
    clock,
    limits: { sessionBudgetBytes: BUDGET, maxStreams: 40, acceptBacklog: 20, halfCloseTimeoutMs: 1_000 },
    onStream: (stream) => behave(stream, pick),
  });
  let bytes = 0;
  const rounds = 5 + pick(60);
  for (let round = 0; round < rounds && !channel.isClosed; round++) {
    for (const piece of cut(mutate(peer.frames(), pick), pick)) {
      bytes += piece.length;
      channel.receiver?.onBytes(piece);
    }
    if (pick(4) === 0 && session.canOpen) behave(session.open(), pick);
    if (pick(6) === 0) clock.advance(pick(300));
    await Promise.resolve();
    check(session, seed);
  }
  session.destroy();
  const error = await session.closed;
  if (session.streams !== 0) throw new Error(`seed ${seed}: ${session.streams} streams are left`);
  if (clock.pending > 1) throw new Error(`seed ${seed}: ${clock.pending} timers are left`);
  return { code: error?.code, bytes, streamsOpened: session.stats().admitted };
}

function check(session: Session, seed: number): void {
  const stats = session.stats();
  const bounded =
    stats.bufferedBytes >= 0 &&
    stats.bufferedBytes <= BUDGET &&
    stats.streams <= 40 &&
    stats.backlog >= 0 &&
    stats.backlog <= 20 &&
    stats.unacknowledged >= 0;
  if (!bounded) throw new Error(`seed ${seed}: out of bounds: ${JSON.stringify(stats)}`);
}

/** A receiver that does any of what receivers may do. */
function behave(stream: YamuxStream, pick: (below: number) => number): void {
  if (pick(8) === 0) return;
  let waiting = 0;
  let isClosed = false;
  const act = (): void => {
    const what = pick(12);
    if (what === 0) stream.reset();
    else if (what === 1) stream.end();
    else if (what < 5) stream.write(new Uint8Array(pick(3) === 0 ? pick(100_000) : pick(100)));
    else if (what < 11 && waiting > 0 && !isClosed) {
      const some = pick(2) === 0 ? waiting : pick(waiting + 1);
      waiting -= some;
      stream.consumed(some);
    }
  };
  stream.attach({
    onData(bytes) {
      if (isClosed) throw new Error('data after close');
      waiting += bytes.length;
      act();
    },
    onEnd: act,
    onDrain: act,
    onFinished: act,
    onClosed() {
      if (isClosed) throw new Error('closed twice');
      isClosed = true;
      act();
    },
  });
  act();
}

/** The peer as the generator plays it: mostly right about ids, now and then wrong about anything. */
class Peer {
  private readonly pick: (below: number) => number;
  private nextId: number;

  constructor(isClient: boolean, pick: (below: number) => number) {
    this.pick = pick;
    this.nextId = isClient ? 1 : 2;
  }

  frames(): Buffer {
    const parts: Uint8Array[] = [];
    for (let count = 1 + this.pick(12); count > 0; count--) this.frame(parts);
    return Buffer.concat(parts);
  }

  private frame(parts: Uint8Array[]): void {
    const { pick } = this;
    if (pick(300) === 0) this.wrongFrame(parts);
    else if (pick(10) === 0) parts.push(headerBytes(2, 1 + pick(2), 0, pick(1000)));
    else if (pick(400) === 0) parts.push(headerBytes(3, 0, 0, 0));
    else if (pick(5) === 0 || this.nextId <= 2)
      this.streamFrame(parts, this.openId(), 1 | (pick(6) === 0 ? 12 & pick(16) : 0));
    else this.streamFrame(parts, this.usedId(), [0, 0, 0, 0, 0, 2, 2, 4, 8][pick(9)] ?? 0);
  }

  private streamFrame(parts: Uint8Array[], id: number, flags: number): void {
    const { pick } = this;
    if (pick(2) === 0) {
      parts.push(headerBytes(1, flags, id, pick(3) === 0 ? 0 : pick(100_000)));
      return;
    }
    const length = [0, pick(20), pick(5_000), pick(20_000)][pick(4)] ?? 0;
    parts.push(headerBytes(0, flags, id, length), new Uint8Array(length));
  }

  private wrongFrame(parts: Uint8Array[]): void {
    const { pick } = this;
    const length = lengths[pick(lengths.length)] ?? 0;
    const id = pick(3) === 0 ? pick(2 ** 32) : this.usedId();
    parts.push(headerBytes(pick(6), pick(4) === 0 ? pick(0x10000) : pick(16), id, length));
    parts.push(new Uint8Array(Math.min(length, pick(300_000))));
  }

  private openId(): number {
    const id = this.nextId;
    this.nextId += this.pick(30) === 0 ? 4 : 2;
    return id;
  }

  /** An id of the peer that is or was open; the last ones are the likeliest. */
  private usedId(): number {
    const back = 2 * (1 + this.pick(this.pick(3) === 0 ? 40 : 8));
    return Math.max(this.nextId % 2 === 0 ? 2 : 1, this.nextId - back);
  }
}

function mutate(bytes: Buffer, pick: (below: number) => number): Buffer {
  if (pick(40) !== 0) return bytes;
  for (let count = pick(4); count > 0 && bytes.length > 0; count--) bytes[pick(bytes.length)] = pick(256);
  return pick(3) === 0 ? bytes.subarray(0, pick(bytes.length + 1)) : bytes;
}

function* cut(bytes: Buffer, pick: (below: number) => number): Iterable<Uint8Array> {
  const most = [13, 100, 5_000, 300_000][pick(4)] ?? 1;
  for (let at = 0; at < bytes.length;) {
    const size = 1 + pick(bytes.length > 10_000 ? Math.max(most, 1_000) : most);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

/** Takes everything and delivers nothing. */
class NullChannel implements ByteChannel {
  readonly queuedBytes = 0;
  receiver: ChannelReceiver | undefined;
  isClosed = false;

  send(_chunks: readonly Uint8Array[], sent: () => void): void {
    queueMicrotask(sent);
  }

  attach(receiver: ChannelReceiver): void {
    this.receiver = receiver;
  }

  close(): void {
    this.isClosed = true;
  }

  destroy(): void {
    this.isClosed = true;
  }
}

/** A small generator of reproducible numbers in [0, 1). */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
