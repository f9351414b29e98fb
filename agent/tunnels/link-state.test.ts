import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { backoffMs } from './backoff.ts';
import { firstState, transition } from './link-state.ts';
import type { LinkEvent, LinkState } from './link-state.ts';

const closed = (generation: number, more: Partial<LinkEvent & { type: 'closed' }> = {}): LinkEvent => ({
  type: 'closed',
  generation,
  now: 0,
  error: 'gone',
  refused: false,
  retryAfterMs: 0,
  jitter: 1,
  ...more,
});

function run(...events: LinkEvent[]): LinkState {
  return events.reduce(transition, firstState(1, 0));
}

/** The waits before each of so many retries that fail at once. */
function waits(retries: number, jitter: number): number[] {
  let state = firstState(1, 0);
  return Array.from({ length: retries }, (_, index) => {
    state = transition(state, closed(index + 1, { jitter }));
    if (state.name !== 'waiting') throw new Error(`expected to wait, is ${state.name}`);
    const wait = state.retryAt;
    state = transition(state, { type: 'dialled', generation: index + 2, now: 0 });
    return wait;
  });
}

describe('retries', () => {
  test('start within 250 ms, double to 15 s and never end', () => {
    expect(waits(10, 1)).toEqual([250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000, 15_000]);
    expect(waits(5000, 1).at(-1)).toBe(15_000);
  });

  test('are spread over the whole time from zero', () => {
    expect(waits(3, 0)).toEqual([0, 0, 0]);
    expect(waits(3, 0.5)).toEqual([125, 250, 500]);
    fc.assert(
      fc.property(fc.nat(10_000), fc.double({ min: 0, max: 1, noNaN: true }), (failures, jitter) => {
        const wait = backoffMs(failures, { firstMs: 250, capMs: 15_000 }, () => jitter);
        expect(wait).toBeGreaterThanOrEqual(0);
        expect(wait).toBeLessThanOrEqual(15_000);
      }),
    );
  });

  test('start anew after a session that held, and go on after one that did not', () => {
    const failedTwice = [
      closed(1),
      { type: 'dialled', generation: 2, now: 0 },
      closed(2),
      { type: 'dialled', generation: 3, now: 0 },
    ] as const;
    const up = { type: 'hello', generation: 3, now: 1000 } as const;
    expect(run(...failedTwice, up, closed(3, { now: 11_000 }))).toMatchObject({
      failures: 1,
      awaySince: 11_000,
      retryAt: 11_250,
    });
    expect(run(...failedTwice, up, closed(3, { now: 2000 }))).toMatchObject({
      failures: 3,
      awaySince: 0,
      retryAt: 3000,
    });
  });

  test('of a refused token are slow, and a Retry-After is kept up to the cap', () => {
    expect(run(closed(1, { refused: true, jitter: 0 }))).toMatchObject({ retryAt: 5000, refused: true });
    expect(run(closed(1, { retryAfterMs: 4000 }))).toMatchObject({ retryAt: 4000 });
    expect(run(closed(1, { retryAfterMs: 3_600_000 }))).toMatchObject({ retryAt: 15_000 });
  });

  test('count the time away from when a session that held was lost, over all dials', () => {
    const lost = run({ type: 'hello', generation: 1, now: 5 }, closed(1, { now: 10_005 }), {
      type: 'dialled',
      generation: 2,
      now: 10_300,
    });
    expect(transition(lost, closed(2, { now: 10_900 }))).toMatchObject({ awaySince: 10_005 });
    const short = transition(lost, { type: 'hello', generation: 2, now: 10_900 });
    expect(transition(short, closed(2, { now: 11_000 }))).toMatchObject({ awaySince: 10_005 });
  });
});

describe('a session', () => {
  const up = run({ type: 'hello', generation: 1, now: 0 });

  test('is suspect after a missed ping and up when heard again', () => {
    const suspect = transition(up, { type: 'suspected', generation: 1, suspect: true });
    expect(suspect.name).toBe('suspect');
    expect(transition(suspect, { type: 'suspected', generation: 1, suspect: false })).toEqual(up);
  });

  test('that drains is gone for good when it ends', () => {
    const draining = transition(up, { type: 'drained', generation: 1, endsAt: 9 });
    expect(draining).toMatchObject({ name: 'draining', endsAt: 9 });
    expect(transition(draining, { type: 'suspected', generation: 1, suspect: true })).toBe(draining);
    expect(transition(draining, closed(1)).name).toBe('gone');
  });
});

const anyEvent = (generation: fc.Arbitrary<number>): fc.Arbitrary<LinkEvent> =>
  fc.oneof(
    fc.record({ type: fc.constant('hello' as const), generation, now: fc.nat() }),
    fc.record({ type: fc.constant('suspected' as const), generation, suspect: fc.boolean() }),
    fc.record({ type: fc.constant('drained' as const), generation, endsAt: fc.nat() }),
    fc.record({
      type: fc.constant('closed' as const),
      generation,
      now: fc.nat(),
      error: fc.string(),
      refused: fc.boolean(),
      retryAfterMs: fc.nat(),
      jitter: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  );

test('what an older session says changes nothing, whatever state the newer is in', () => {
  fc.assert(
    fc.property(fc.array(anyEvent(fc.constant(7)), { maxLength: 4 }), anyEvent(fc.nat(6)), (current, stale) => {
      const state = current.reduce(transition, firstState(7, 0));
      expect(transition(state, stale)).toBe(state);
    }),
  );
});

test('once gone, nothing brings a link back', () => {
  const gone = run({ type: 'abandoned' });
  fc.assert(
    fc.property(fc.array(anyEvent(fc.nat(3)), { maxLength: 8 }), (events) => {
      expect(events.reduce(transition, gone).name).toBe('gone');
    }),
  );
  expect(transition(gone, { type: 'dialled', generation: 9, now: 0 }).name).toBe('gone');
});
