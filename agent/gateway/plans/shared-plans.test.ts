import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import type { LimitsConfig } from '../../../shared/workspace/adit-yaml.ts';
import { RedisStore } from './redis-store.ts';
import { SharedPlans } from './shared-plans.ts';

const limitsOf = (prefix: string): LimitsConfig => ({
  redis: { url: 'redis://127.0.0.1:9', prefix, timeoutMs: 100 },
  whenAway: 'refuse',
});

test('a store ends when another is in force, and not when a configuration that asked for another is refused', () => {
  const closed = vi.spyOn(RedisStore.prototype, 'close');
  const shared = new SharedPlans({ redisUrl: undefined, ca: undefined, log: pino({ level: 'silent' }) });
  const first = shared.storeFor(limitsOf('a'), 'shop');
  shared.taken();
  expect(shared.storeFor(limitsOf('a'), 'shop')).toBe(first);
  shared.taken();

  const refused = shared.storeFor(limitsOf('b'), 'shop');
  shared.refused();
  expect(closed.mock.contexts).toEqual([refused]);
  expect(shared.storeFor(limitsOf('a'), 'shop')).toBe(first);
  shared.taken();

  expect(shared.storeFor(undefined, 'shop')).toBeUndefined();
  shared.refused();
  expect(closed.mock.contexts).toEqual([refused]);
  expect(shared.storeFor(undefined, 'shop')).toBeUndefined();
  shared.taken();
  expect(closed.mock.contexts).toEqual([refused, first]);

  const last = shared.storeFor(limitsOf('c'), 'shop');
  shared.taken();
  const unsettled = shared.storeFor(limitsOf('d'), 'shop');
  shared.close();
  expect(closed.mock.contexts).toEqual([refused, first, unsettled, last]);
});
