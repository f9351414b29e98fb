import { expect, test } from 'vitest';
import type { ExchangeSummary } from '../../../shared/agent/api.ts';
import { trafficFilter } from './filter-traffic.ts';

const base: ExchangeSummary = {
  seq: 1,
  id: 'a',
  startedAt: '2026-01-01T00:00:00Z',
  method: 'GET',
  host: 'shop.example',
  target: '/pets/7?full=1',
  status: 200,
  tookMs: 12,
  application: 'shop/mobile',
  plan: 'shop/gold',
  broker: 'fra',
  attempt: 1,
  requestBytes: 0,
  responseBytes: 0,
};
const bad: ExchangeSummary = {
  ...base,
  id: 'b',
  method: 'POST',
  target: '/orders',
  status: 502,
  tookMs: 310,
  application: undefined,
  attempt: 2,
};
const running: ExchangeSummary = { ...base, id: 'c', status: undefined, tookMs: undefined };
const all = [base, bad, running];

test.each([
  ['', 'abc'],
  ['status:5xx', 'b'],
  ['status:200', 'a'],
  ['status:>=400', 'b'],
  ['status:none', 'c'],
  ['method:post', 'b'],
  ['METHOD:GET status:2xx', 'a'],
  ['/pets', 'ac'],
  ['path:orders', 'b'],
  ['-path:orders', 'ac'],
  ['app:mobile', 'ac'],
  ['took:>100ms', 'b'],
  ['try:2', 'b'],
  ['status:', 'abc'],
  ['status:abc', ''],
])('"%s" finds %s', (text, ids) => {
  expect(
    all
      .filter(trafficFilter(text))
      .map((one) => one.id)
      .join(''),
  ).toBe(ids);
});
