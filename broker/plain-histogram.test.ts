import { Histogram, Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { PlainHistogram } from './plain-histogram.ts';

test('a registry writes it as it writes a histogram of its own', async () => {
  const options = { name: 'took_seconds', help: 'How long it took', buckets: [0.001, 0.01, 5] };
  const own = new Registry();
  const theirs = new Registry();
  const plain = new PlainHistogram({ ...options, registers: [] });
  own.registerMetric(plain);
  const histogram = new Histogram({ ...options, registers: [theirs] });
  for (const value of [0.0005, 0.001, 0.0011, 0.5, 5, 6, 0]) {
    plain.add(value);
    histogram.observe(value);
  }
  expect(await own.metrics()).toBe(await theirs.metrics());
});
