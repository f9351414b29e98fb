import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { SessionOptions } from './session.ts';
import { sessionPair } from './testing/carriers.ts';
import { mainCarriers } from './testing/gated-carrier.ts';
import { StreamReader } from './testing/stream-reader.ts';
import type { YamuxStream } from './types.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const clean = { streams: 0, backlog: 0, unacknowledged: 0, refused: 0, bufferedBytes: 0, queuedBytes: 0 };

/** Any, but the share: a peer that tells late of what was consumed must not be waited for (`limits.ts`). */
const side = fc.record({
  limits: fc.record({
    initialWindowBytes: fc.integer({ min: 0, max: MIB }),
    maxWindowBytes: fc.integer({ min: 0, max: 4 * MIB }),
    sessionBudgetBytes: fc.integer({ min: 32 * MIB, max: 128 * MIB }),
    streamHighWaterBytes: fc.nat({ max: 300 * KIB }),
    sendQueueBytes: fc.nat({ max: 2 * MIB }),
    untakenBudgetBytes: fc.nat({ max: 4 * MIB }),
    untakenShareBytes: fc.integer({ min: 128 * KIB, max: 512 * KIB }),
  }),
  flushAfter: fc.constantFrom('callback' as const, 'poll' as const),
});
const config = fc.record({
  client: side,
  server: side,
  /** What the client may have open, and unaccepted: both sides know of it. */
  maxStreams: fc.integer({ min: 1, max: 16 }),
  backlog: fc.integer({ min: 1, max: 16 }),
  acceptsLate: fc.boolean(),
  chunks: fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 4 }),
  sizes: fc.array(fc.oneof(fc.nat({ max: 100 }), fc.nat({ max: 600 * KIB })), { minLength: 1, maxLength: 12 }),
});

/** Sends back what comes, and takes no more than there is room for. */
function echo(stream: YamuxStream): void {
  let untaken = 0;
  stream.attach({
    onData(bytes) {
      if (stream.write(bytes)) stream.consumed(bytes.length);
      else untaken += bytes.length;
    },
    onEnd: () => stream.end(),
    onDrain() {
      stream.consumed(untaken);
      untaken = 0;
    },
    onClosed() {},
  });
}

/** `prop_config_send_recv_multi` of rust-yamux. */
describe.each(mainCarriers)('with any limits, over %s', (_name, makeCarrier) => {
  it('echoes every stream whole and in order, and nothing is left over', async () => {
    await fc.assert(
      fc.asyncProperty(config, async ({ client, server, maxStreams, backlog, acceptsLate, chunks, sizes }) => {
        const own: SessionOptions['limits'] = { ...client.limits, maxStreams, maxUnacknowledged: backlog };
        const theirs: SessionOptions['limits'] = { ...server.limits, maxStreams, acceptBacklog: backlog };
        const onStream = (stream: YamuxStream): void => {
          if (acceptsLate) setImmediate(() => echo(stream));
          else echo(stream);
        };
        await using pair = await sessionPair(
          makeCarrier,
          { ...client, limits: own, keepAlive: false },
          { ...server, limits: theirs, keepAlive: false, onStream },
        );
        // Tiny chunks alone only take time.
        const turns = [...chunks, 50_000];
        const talk = async (near: StreamReader, index: number): Promise<boolean> => {
          const bytes = content(index, sizes[index] ?? 0);
          for (let at = 0, turn = 0; at < bytes.length; turn++) {
            const end = at + (turns[turn % turns.length] ?? 1);
            await near.write(bytes.subarray(at, end));
            at = end;
          }
          near.stream.end();
          const error = await near.closed;
          if (error !== undefined) throw error;
          return near.bytes === bytes.length && near.sha256() === createHash('sha256').update(bytes).digest('hex');
        };
        const talks: Promise<boolean>[] = [];
        for (let index = 0; index < sizes.length; index++) {
          while (!pair.client.canOpen) await nextTurn();
          talks.push(talk(new StreamReader(pair.client.open()), index));
        }
        expect(await Promise.all(talks)).toEqual(sizes.map(() => true));
        await pair.client.ping();
        expect(pair.client.stats()).toMatchObject({ ...clean, opened: sizes.length });
        expect(pair.server.stats()).toMatchObject({ ...clean, admitted: sizes.length });
      }),
      { numRuns: 20 },
    );
  });
});

/** Unlike at every place, and in every stream. */
function content(index: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at++) bytes[at] = (at * 7 + (at >>> 8) * 3 + (at >>> 16) + index * 13) & 255;
  return bytes;
}
