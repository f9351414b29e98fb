import { setImmediate as nextTurn } from 'node:timers/promises';
import { ReceiveBudget } from '../receive-budget.ts';
import { Session, type SessionOptions } from '../session.ts';
import type { ByteChannel, ChannelReceiver, StreamReceiver, YamuxStream } from '../types.ts';
import { ManualClock } from './manual-clock.ts';
import { picker, type Pick } from '../../testing/picker.ts';

const SIDES = ['client', 'server'] as const;
type Side = (typeof SIDES)[number];

/** How sessions and streams may end here; any other code is a fault of ours. */
const FAIR_ENDS = new Set([
  'yamux-connection-lost',
  'yamux-session-closed',
  'yamux-keepalive-timeout',
  'yamux-write-timeout',
  'yamux-stream-refused',
  'yamux-stream-reset',
  'yamux-stream-reset-here',
  'yamux-open-timeout',
  'yamux-half-close-timeout',
  'yamux-session-budget',
]);

export interface Interleaving {
  readonly streams: number;
  readonly bytes: number;
  /** How the sessions ended before they were told to: a code, or undefined when they were still open. */
  readonly ends: readonly (string | undefined)[];
}

/**
 * Two sessions over a channel of which every step is drawn: how many bytes the carrier takes, how many arrive and in what
 * pieces, when it stalls, closes or breaks; and receivers that write, end, reset, consume a byte or all, attach late, and do
 * so within each other's callbacks. In the end everything that was not given up has come whole, everybody was told, and
 * nothing is counted any more. Throws when that is not so. Same seed, same run.
 */
export async function interleave(seed: number): Promise<Interleaving> {
  const pick = picker(seed);
  const clock = new ManualClock();
  const world = new World(pick, clock);
  const steps = 20 + pick(300);
  for (let step = 0; step < steps; step++) {
    world.step();
    await world.settle();
    world.check();
  }
  const ends = SIDES.map((side) => world.sides[side].endCode);
  await world.rest();
  world.judge();
  return { streams: world.ends.length, bytes: world.ends.reduce((sum, end) => sum + end.received, 0), ends };
}

class World {
  readonly sides: Record<Side, SideOfWorld>;
  readonly ends: End[] = [];
  readonly pick: Pick;
  isResting = false;
  private readonly clock: ManualClock;
  private readonly budget: ReceiveBudget;
  private readonly wires: readonly [Half, Half];
  private readonly chaos: number;
  private readonly flushAfter: 'callback' | 'poll';

  constructor(pick: Pick, clock: ManualClock) {
    this.pick = pick;
    this.clock = clock;
    this.budget = new ReceiveBudget(pick(3) === 0 ? 700_000 : 1 << 30);
    const wires = [new Half(), new Half()] as const;
    wires[0].peer = wires[1];
    wires[1].peer = wires[0];
    this.wires = wires;
    this.chaos = pick(4);
    this.flushAfter = pick(4) === 0 ? 'poll' : 'callback';
    const small = pick(2) === 0;
    const limits: SessionOptions['limits'] = {
      maxStreams: small ? 3 + pick(20) : 16_384,
      acceptBacklog: small ? 1 + pick(10) : 256,
      maxWindowBytes: pick(2) === 0 ? 1 << 18 : 1 << 22,
      sessionBudgetBytes: pick(3) === 0 ? 600_000 : 1 << 27,
      ...(small
        ? {
            sendQueueBytes: 400_000,
            untakenBudgetBytes: [0, 100_000, 600_000][pick(3)] ?? 0,
            untakenShareBytes: 1 << (16 + pick(2)),
          }
        : {}),
      halfCloseTimeoutMs: pick(4) === 0 ? 2_000 : 0,
      openTimeoutMs: pick(4) === 0 ? 1_000 : 75_000,
    };
    const make = (side: Side, wire: Half): SideOfWorld =>
      new SideOfWorld(this, side, wire, { limits, clock, budget: this.budget, keepAlive: pick(3) === 0 ? {} : false });
    this.sides = { client: make('client', wires[0]), server: make('server', wires[1]) };
  }

  step(): void {
    const { pick } = this;
    const side = SIDES[pick(2)] ?? 'client';
    const at = this.sides[side];
    const wire = this.wires[pick(2)] ?? this.wires[0];
    const what = pick(100);
    if (what < 8) at.open();
    else if (what < 35) this.anyEnd()?.act();
    else if (what < 40) this.anyEnd()?.attach();
    else if (what < 60) wire.take(this.size());
    else if (what < 85) wire.deliver(this.size(), pick);
    else if (what < 90) wire.isStalled = pick(2) === 0;
    else if (what < 97) this.clock.advance(pick(3) === 0 ? pick(300) : pick(20));
    else if (what === 97) at.ping();
    else if (this.chaos === 0 && pick(8) === 0) this.chaosStep(at, wire);
  }

  private chaosStep(at: SideOfWorld, wire: Half): void {
    const what = this.pick(5);
    if (what === 0) at.session.goAway();
    else if (what === 1) void at.session.close(this.pick(2) === 0 ? 0 : 3_000);
    else if (what === 2) at.session.destroy();
    else if (what === 3) wire.destroy(new Error('cut'));
    else wire.close();
  }

  size(): number {
    const { pick } = this;
    return [1, 11, 12, 13, 100, 4_096, 65_548, 300_000][pick(8)] ?? 1;
  }

  anyEnd(): End | undefined {
    const { ends } = this;
    return ends[this.pick(2) === 0 ? Math.max(0, ends.length - 1 - this.pick(6)) : this.pick(Math.max(1, ends.length))];
  }

  /** Everybody reads and ends, and the carrier brings what there is. */
  async rest(): Promise<void> {
    this.isResting = true;
    for (const wire of this.wires) wire.isStalled = false;
    let quiet = 0;
    for (let round = 0; quiet < 12; round++) {
      if (round > 20_000) throw new Error('they never come to rest');
      for (const end of this.ends) end.rest();
      const before = this.progress();
      for (const wire of this.wires) {
        wire.take(1 << 20);
        wire.deliver(1 << 20, this.pick);
      }
      await this.settle();
      quiet = this.progress() === before ? quiet + 1 : 0;
      // A blocked sender asks again after a second.
      this.clock.advance(quiet > 3 ? 400 : 3);
      await this.settle();
    }
  }

  /** Until what was queued has left. */
  async settle(): Promise<void> {
    if (this.flushAfter === 'poll') await nextTurn();
    for (let turn = 0; turn < 6; turn++) await Promise.resolve();
  }

  private progress(): string {
    return SIDES.map((side) => {
      const { streams, dataBytesSent, dataBytesReceived, bufferedBytes } = this.sides[side].session.stats();
      return [streams, dataBytesSent, dataBytesReceived, bufferedBytes].join();
    }).join();
  }

  check(): void {
    for (const end of this.ends) if (end.wrong !== undefined) throw new Error(end.wrong);
    for (const side of SIDES) {
      const { session, endCode } = this.sides[side];
      const stats = session.stats();
      const counts = [
        stats.streams,
        stats.backlog,
        stats.unacknowledged,
        stats.bufferedBytes,
        stats.queuedBytes,
        stats.inFlightBytes,
      ];
      if (counts.some((count) => count < 0)) throw new Error(`${side}: less than nothing: ${JSON.stringify(stats)}`);
      if (endCode !== undefined && endCode !== 'in order' && !FAIR_ENDS.has(endCode))
        throw new Error(`${side} ended with ${endCode}`);
    }
    if (this.budget.bufferedBytes < 0 || this.budget.grownBytes < 0) throw new Error('the budget is less than nothing');
  }

  judge(): void {
    this.check();
    const far = new Map(this.ends.map((end) => [`${end.side} ${end.stream.id}`, end]));
    const broken = SIDES.some((side) => this.sides[side].endCode !== undefined);
    for (const end of this.ends) {
      const other = far.get(`${end.side === 'client' ? 'server' : 'client'} ${end.stream.id}`);
      end.judge(other, broken);
    }
    for (const side of SIDES) {
      const { session } = this.sides[side];
      const { streams, backlog, unacknowledged, bufferedBytes, queuedBytes } = session.stats();
      const left = {
        streams,
        backlog,
        unacknowledged,
        bufferedBytes,
        queuedBytes,
        untaken: untakenOf(session),
        grown: grownOf(session),
      };
      const what = Object.entries(left).filter(([, count]) => count !== 0);
      if (what.length > 0)
        throw new Error(`${side}: left: ${JSON.stringify(what)}, ended: ${this.sides[side].endCode}`);
      session.destroy();
    }
    if (this.budget.bufferedBytes !== 0 || this.budget.grownBytes !== 0)
      throw new Error(`the budget is not given back: ${this.budget.bufferedBytes}, ${this.budget.grownBytes}`);
    for (const side of SIDES) {
      const { pings, pingsSettled } = this.sides[side];
      if (pings !== pingsSettled) throw new Error(`${side}: ${pings - pingsSettled} pings are not settled (later)`);
    }
    if (this.clock.pending > 0) throw new Error(`${this.clock.pending} timers are left`);
  }
}

class SideOfWorld {
  readonly session: Session;
  readonly side: Side;
  pings = 0;
  pingsSettled = 0;
  endCode: string | undefined;
  private readonly world: World;

  constructor(world: World, side: Side, wire: Half, options: Omit<SessionOptions, 'role'>) {
    this.world = world;
    this.side = side;
    this.session = new Session(wire, {
      ...options,
      role: side,
      onStream: (stream) => this.meet(stream, world.pick(4) > 0),
      onClosed: (error) => (this.endCode = error?.code ?? 'in order'),
    });
  }

  open(): void {
    if (this.session.canOpen) this.meet(this.session.open(), this.world.pick(8) > 0);
  }

  ping(): void {
    this.pings++;
    const done = (): unknown => this.pingsSettled++;
    this.session.ping().then(done, done);
  }

  private meet(stream: YamuxStream, attach: boolean): void {
    const end = new End(stream, this.side, this.world);
    this.world.ends.push(end);
    if (attach) end.attach();
    if (this.world.pick(6) === 0) end.act();
  }
}

/** One end of a stream. */
class End implements StreamReceiver {
  readonly stream: YamuxStream;
  readonly side: Side;
  received = 0;
  written = 0;
  wrong: string | undefined;
  private readonly world: World;
  private unconsumed = 0;
  private isAttached = false;
  private ended = false;
  private given = false;
  /** Nobody was attached who could be told. */
  private endedUnseen = false;
  private ends = 0;
  private finished = 0;
  private closes = 0;
  private error: Error | undefined;
  private wantsDrain = false;

  constructor(stream: YamuxStream, side: Side, world: World) {
    this.stream = stream;
    this.side = side;
    this.world = world;
  }

  attach(): void {
    if (this.isAttached) return;
    this.isAttached = true;
    this.stream.attach(this);
  }

  /** Any of what its owner may do. */
  act(): void {
    const { pick } = this.world;
    const what = pick(20);
    if (what < 8) this.write([0, 1, 5, 100, 5_000, 70_000, 300_000][pick(7)] ?? 0);
    else if (what < 10) this.end();
    else if (what < 11) this.reset();
    else if (what < 14) this.consume(1);
    else if (what < 18) this.consume(pick(this.unconsumed + 1));
    else this.consume(this.unconsumed);
  }

  rest(): void {
    this.attach();
    this.consume(this.unconsumed);
    this.end();
  }

  onData(bytes: Uint8Array): void {
    const other = this.side === 'client' ? 'server' : 'client';
    if (this.closes > 0) this.fault('data after the end');
    if (this.ends > 0) this.fault('data after FIN');
    for (let index = 0; index < bytes.length; index++) {
      if (bytes[index] !== byteAt(this.stream.id, other, this.received + index)) {
        this.fault(`a wrong byte at ${this.received + index}`);
        break;
      }
    }
    this.received += bytes.length;
    this.unconsumed += bytes.length;
    this.react();
  }

  onEnd(): void {
    if (this.ends++ > 0 || this.closes > 0) this.fault('ended twice');
    this.react();
  }

  onDrain(): void {
    if (!this.wantsDrain) this.fault('drained without need');
    if (this.closes > 0) this.fault('drained after its end');
    this.wantsDrain = false;
    this.react();
  }

  onFinished(): void {
    if (this.finished++ > 0 || this.closes > 0 || !this.ended) this.fault('finished');
    if (this.stream.queuedBytes > 0) this.fault('finished with bytes');
    this.react();
  }

  onClosed(error?: Error): void {
    if (this.closes++ > 0) this.fault('closed twice');
    if (!this.stream.closed) this.fault('closed and open');
    this.error = error;
    this.react();
  }

  judge(other: End | undefined, isBroken: boolean): void {
    const { code } = (this.error ?? {}) as { code?: string };
    const about = `stream ${this.stream.id} at the ${this.side}, ${code ?? 'in order'}, given ${this.given}/${other?.given}`;
    if (this.closes !== 1) throw new Error(`${about}: ${this.closes} times closed`);
    if (this.error !== undefined && !FAIR_ENDS.has(code ?? '')) throw new Error(`${about}: an end without fault`);
    if (this.received > (other?.written ?? 0)) throw new Error(`${about}: received ${this.received}`);
    if (this.error === undefined) {
      if ((this.finished !== 1 && !this.endedUnseen) || this.ends !== 1)
        throw new Error(`${about}: finished ${this.finished}, ends ${this.ends}`);
      if (other === undefined || this.received !== other.written)
        throw new Error(`${about}: ${this.received} of ${other?.written}`);
      return;
    }
    if (this.ends === 1 && this.received !== other?.written && !this.given && other?.given !== true)
      throw new Error(`${about}: end without all`);
    if (isBroken || this.given || other?.given === true) return;
    const codes = [code, (other?.error as { code?: string } | undefined)?.code];
    const reasons = ['yamux-stream-refused', 'yamux-session-budget', 'yamux-open-timeout', 'yamux-half-close-timeout'];
    if (!codes.some((one) => one !== undefined && reasons.includes(one)))
      throw new Error(`${about}: why? ${codes.join()}`);
  }

  private react(): void {
    if (this.world.isResting) {
      this.consume(this.unconsumed);
      return;
    }
    const { pick } = this.world;
    if (pick(3) === 0) this.act();
    if (pick(12) === 0) this.world.anyEnd()?.act();
  }

  private write(size: number): void {
    if (this.ended || this.stream.closed) return;
    const bytes = new Uint8Array(size);
    for (let index = 0; index < size; index++) bytes[index] = byteAt(this.stream.id, this.side, this.written + index);
    this.written += size;
    if (!this.stream.write(bytes)) this.wantsDrain = true;
  }

  private end(): void {
    if (this.stream.closed) return;
    if (!this.isAttached) this.endedUnseen = true;
    this.ended = true;
    this.stream.end();
  }

  private reset(): void {
    if (this.stream.closed && this.unconsumed === 0) return;
    this.given = true;
    this.stream.reset();
  }

  private consume(most: number): void {
    const bytes = Math.min(most, this.unconsumed);
    if (bytes === 0) return;
    this.unconsumed -= bytes;
    this.stream.consumed(bytes);
  }

  private fault(what: string): void {
    this.wrong ??= `stream ${this.stream.id} at the ${this.side}: ${what}`;
  }
}

/** One direction of a carrier: what is queued, what the kernel has, what arrived. */
class Half implements ByteChannel {
  queuedBytes = 0;
  isStalled = false;
  peer: Half | undefined;
  private receiver: ChannelReceiver | undefined;
  private queue: { chunks: Uint8Array[]; sent: () => void }[] = [];
  private kernel: Buffer[] = [];
  private isEnding = false;
  private isOver = false;

  send(chunks: readonly Uint8Array[], sent: () => void): void {
    if (this.isOver || this.isEnding) return;
    for (const chunk of chunks) this.queuedBytes += chunk.length;
    this.queue.push({ chunks: [...chunks], sent });
  }

  attach(receiver: ChannelReceiver): void {
    this.receiver = receiver;
  }

  close(): void {
    this.isEnding = true;
    this.endWhenEmpty();
  }

  destroy(reason?: Error): void {
    this.shut(reason);
    this.peer?.shut(new Error('the other side was destroyed'));
  }

  /** The kernel takes so many bytes. */
  take(most: number): number {
    if (this.isStalled || this.isOver) return 0;
    let left = most;
    for (let first = this.queue[0]; first !== undefined && left > 0; first = this.queue[0]) {
      const chunk = first.chunks[0];
      if (chunk === undefined) {
        this.queue.shift();
        first.sent();
        continue;
      }
      const bytes = Math.min(left, chunk.length);
      this.kernel.push(Buffer.from(chunk.subarray(0, bytes)));
      if (bytes === chunk.length) first.chunks.shift();
      else first.chunks[0] = chunk.subarray(bytes);
      left -= bytes;
      this.queuedBytes -= bytes;
      if (first.chunks.length === 0) {
        this.queue.shift();
        first.sent();
      }
    }
    this.endWhenEmpty();
    return most - left;
  }

  /** So many bytes arrive, in pieces. */
  deliver(most: number, pick: Pick): number {
    const all = Buffer.concat(this.kernel);
    const bytes = all.subarray(0, most);
    this.kernel = all.length > bytes.length ? [all.subarray(bytes.length)] : [];
    const largest = [1, 13, 5_000, 70_000][pick(4)] ?? 1;
    for (let at = 0; at < bytes.length;) {
      const size = 1 + pick(Math.max(largest, bytes.length >>> 6));
      if (this.peer?.isOver === false) this.peer.receiver?.onBytes(Buffer.from(bytes.subarray(at, at + size)));
      at += size;
    }
    this.endWhenEmpty();
    return bytes.length;
  }

  private endWhenEmpty(): void {
    if (!this.isEnding || this.queue.length > 0 || this.kernel.length > 0) return;
    this.shut(undefined);
    this.peer?.shut(undefined);
  }

  private shut(reason: Error | undefined): void {
    if (this.isOver) return;
    this.isOver = true;
    this.queue = [];
    this.queuedBytes = 0;
    queueMicrotask(() => this.receiver?.onClosed(reason));
  }
}

/** The byte that a side writes at an offset of a stream. */
function byteAt(id: number, side: Side, offset: number): number {
  return (offset * 7 + (offset >>> 8) + id * 13 + (side === 'client' ? 1 : 0)) & 255;
}

function untakenOf(session: Session): number {
  const table = Reflect.get(session, 'table') as { shares: object };
  return Reflect.get(table.shares, 'untakenBytes') as number;
}

function grownOf(session: Session): number {
  const table = Reflect.get(session, 'table') as object;
  return Reflect.get(Reflect.get(table, 'windows') as object, 'grownBytes') as number;
}
