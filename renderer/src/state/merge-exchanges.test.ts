import { expect, test } from 'vitest';
import type { ExchangeSummary } from '../../../shared/agent/api.ts';
import { mergeExchanges } from './merge-exchanges.ts';

function exchange(seq: number, id: string, status?: number): ExchangeSummary {
  return {
    seq,
    id,
    startedAt: '2026-01-01T00:00:00Z',
    method: 'GET',
    host: 'h',
    target: '/',
    broker: 'fra',
    attempt: 1,
    requestBytes: 0,
    responseBytes: 0,
    ...(status === undefined ? {} : { status }),
  };
}

test('an exchange that got its answer replaces the running one', () => {
  const merged = mergeExchanges([exchange(1, 'a'), exchange(2, 'b')], [exchange(1, 'a', 200)], 10);
  expect(merged.map((one) => [one.id, one.status])).toEqual([
    ['a', 200],
    ['b', undefined],
  ]);
});

test('an answer that comes with a new number moves to the end', () => {
  const merged = mergeExchanges([exchange(1, 'a'), exchange(2, 'b')], [exchange(3, 'a', 200)], 10);
  expect(merged.map((one) => one.id)).toEqual(['b', 'a']);
});

test('keeps only the newest', () => {
  const merged = mergeExchanges([exchange(1, 'a'), exchange(2, 'b')], [exchange(3, 'c')], 2);
  expect(merged.map((one) => one.id)).toEqual(['b', 'c']);
});
