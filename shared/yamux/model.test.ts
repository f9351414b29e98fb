import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Session } from './session.ts';
import { cutInto, memoryCarrier, sessionPair } from './testing/carriers.ts';
import type { StreamReceiver, YamuxStream } from './types.ts';

const MAX_WINDOW = 1024 * 1024;
const SIDES = ['client', 'server'] as const;
type Side = (typeof SIDES)[number];

/** The byte that a side writes at an offset of a stream. */
function byteAt(id: number, side: Side, offset: number): number {
  return (offset * 7 + (offset >>> 8) + id * 13 + (side === 'client' ? 1 : 0)) & 255;
}

/** One end of a stream, and what the model knows of it. */
class End implements StreamReceiver {
  readonly stream: YamuxStream;
  readonly side: Side;
  written = 0;
  received = 0;
  unconsumed = 0;
  reads = true;
  ended = false;
  resetHere = false;
  ends = 0;
  closes = 0;
  error: Error | undefined;
  wrong: string | undefined;

  constructor(stream: YamuxStream, side: Side) {
    this.stream = stream;
    this.side = side;
    stream.attach(this);
  }

  onData(bytes: Uint8Array): void {
    const other = this.side === 'client' ? 'server' : 'client';
    if (this.ends + this.closes > 0) this.wrong = 'data after the end';
    for (let index = 0; index < bytes.length; index++) {
      if (bytes[index] !== byteAt(this.stream.id, other, this.received + index)) {
        this.wrong ??= `a wrong byte at ${this.received + index}`;
      }
    }
    this.received += bytes.length;
    this.unconsumed += bytes.length;
    if (this.unconsumed > MAX_WINDOW) this.wrong = 'more than a window waits';
    if (this.reads) this.consume();
  }

  onEnd(): void {
    this.ends++;
  }

  onDrain(): void {}

  onClosed(error?: Error): void {
    this.closes++;
    this.error = error;
  }

  consume(): void {
    const bytes = this.unconsumed;
    this.unconsumed = 0;
    this.stream.consumed(bytes);
  }

  write(size: number): void {
    if (this.ended || this.stream.closed) return;
    const bytes = new Uint8Array(size);
    for (let index = 0; index < size; index++) bytes[index] = byteAt(this.stream.id, this.side, this.written + index);
    this.written += size;
    this.stream.write(bytes);
  }

  end(): void {
    this.ended = true;
    this.stream.end();
  }

  reset(): void {
    if (this.stream.closed) return;
    this.resetHere = true;
    this.stream.reset();
  }
}

const side = fc.constantFrom(...SIDES);
const pick = fc.nat({ max: 1000 });
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('open' as const), side }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      side,
      pick,
      size: fc.oneof(fc.nat({ max: 50 }), fc.nat({ max: 400_000 })),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('end' as const), side, pick }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reset' as const), side, pick }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('read' as const), side, pick, reads: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('turn' as const), turns: fc.integer({ min: 1, max: 5 }) }) },
);

describe('a pair of sessions against a model', () => {
  it('delivers every byte once and in order, ends and resets as told, and forgets all streams', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 10, maxLength: 80, size: 'max' }),
        fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 5 }),
        async (steps, cuts) => {
          const ends: Record<Side, Map<number, End>> = { client: new Map(), server: new Map() };
          const accept = (at: Side) => (stream: YamuxStream) => {
            ends[at].set(stream.id, new End(stream, at));
          };
          await using pair = await sessionPair(
            // Thousands of tiny cuts of large writes only take time; one size in the cycle is large.
            () => memoryCarrier({ cut: cutInto([...cuts, 50_000]) }),
            { onStream: accept('client') },
            { onStream: accept('server') },
          );
          for (const one of steps) {
            if (one.do === 'turn') await turns(one.turns);
            else if (one.do === 'open') accept(one.side)(pair[one.side].open());
            else {
              const all = [...ends[one.side].values()];
              const end = all[one.pick % Math.max(1, all.length)];
              if (end === undefined) continue;
              if (one.do === 'write') end.write(one.size);
              else if (one.do === 'end') end.end();
              else if (one.do === 'reset') end.reset();
              else {
                end.reads = one.reads;
                if (end.reads) end.consume();
              }
            }
          }
          // Everybody reads and ends; a stream that the other side has not heard of yet arrives meanwhile.
          for (let round = 0; round < 3; round++) {
            await quiet(pair.client, pair.server);
            for (const end of [...ends.client.values(), ...ends.server.values()]) {
              end.reads = true;
              end.consume();
              if (!end.ended) end.end();
            }
          }
          await quiet(pair.client, pair.server);
          for (const [id, near] of ends.client) judge(near, ends.server.get(id));
          for (const [id, near] of ends.server) judge(near, ends.client.get(id));
          const clean = { streams: 0, bufferedBytes: 0, backlog: 0, unacknowledged: 0 };
          expect([pair.client.stats(), pair.server.stats()]).toEqual([
            expect.objectContaining(clean),
            expect.objectContaining(clean),
          ]);
        },
      ),
      { numRuns: 60 },
    );
  });
});

function judge(near: End, far: End | undefined): void {
  expect([near.wrong, near.closes]).toEqual([undefined, 1]);
  if (near.resetHere || far?.resetHere === true || far === undefined) {
    // Opened and reset within a tick, a stream is never told of.
    if (far === undefined) expect(near.resetHere).toBe(true);
    else expect(near.received).toBeLessThanOrEqual(far.written);
    return;
  }
  expect([near.error, near.ends, near.received]).toEqual([undefined, 1, far.written]);
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Until neither side has sent a frame for some turns. */
async function quiet(client: Session, server: Session): Promise<void> {
  let before = -1;
  for (let tries = 0; tries < 10_000; tries++) {
    const now = client.stats().framesSent + server.stats().framesSent;
    if (now === before) return;
    before = now;
    await turns(6);
  }
  throw new Error('the sessions never come to rest');
}
