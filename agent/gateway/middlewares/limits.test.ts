import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MiddlewareConfig } from '../../../shared/gateway/middleware.ts';
import { plain, prefix, ref, route } from '../testing/config.ts';
import { useGateway } from '../testing/use-gateway.ts';
import { goDuration } from './go-duration.ts';
import { TokenBuckets } from './token-bucket.ts';

const start = useGateway();
const source = ref('Middleware', 'm');
const byHeader = { kind: 'header', name: 'X-Who' } as const;
const served = (...middlewares: MiddlewareConfig[]) => plain(route('all', prefix('/'), { middlewares }));

describe('rateLimit', () => {
  const limit: MiddlewareConfig = {
    kind: 'rate-limit', source, average: 1, periodMs: 60_000, burst: 2, caller: byHeader,
  }; // prettier-ignore

  test('lets a burst through for each caller, then says when to come back', async () => {
    let now = 1000;
    const { ask } = await start(served(limit), undefined, { clock: () => now });
    const statuses = async (who: string, times: number): Promise<number[]> => {
      const seen: number[] = [];
      for (let call = 0; call < times; call++) seen.push((await ask('/', { headers: { 'X-Who': who } })).status);
      return seen;
    };
    expect(await statuses('a', 3)).toEqual([200, 200, 429]);
    expect(await statuses('b', 1)).toEqual([200]);
    now += 30_000;
    const refused = await ask('/', { headers: { 'X-Who': 'a' } });
    expect([refused.status, refused.body.toString(), refused.header('content-type')]).toEqual([429, 'Too Many Requests', undefined]);
    expect([refused.header('retry-after'), refused.header('x-retry-in')]).toEqual(['30', '30s']);
    now += 30_000;
    expect(await statuses('a', 2)).toEqual([200, 429]);
  }); // prettier-ignore

  test('goes on from where it was after a new configuration, unless it was changed itself', async () => {
    const { ask, apply } = await start(served(limit), undefined, { clock: () => 0 });
    const status = async (): Promise<number> => (await ask('/', { headers: { 'X-Who': 'a' } })).status;
    expect([await status(), await status(), await status()]).toEqual([200, 200, 429]);
    apply(plain(...served(limit).routes, route('more', prefix('/more'))));
    expect(await status()).toBe(429);
    apply(served({ ...limit, burst: 3 }));
    expect(await status()).toBe(200);
  });

  test('never lets more through than a burst and what flowed back, and no caller is refused who waited long enough', () => {
    const limits = fc.record({
      average: fc.integer({ min: 1, max: 50 }),
      periodMs: fc.integer({ min: 10, max: 5000 }),
      burst: fc.integer({ min: 1, max: 20 }),
    });
    fc.assert(
      fc.property(limits, fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 80 }), (limit_, waits) => {
        let now = 0;
        const buckets = new TokenBuckets(limit_, () => now);
        const perMs = limit_.average / limit_.periodMs;
        let through = 0;
        for (const wait of waits) {
          now += wait;
          const { allowed, delayMs } = buckets.take('a');
          if (!allowed) continue;
          through += 1;
          // A caller is forgotten after a rest, and so gets a burst anew; this history is too short for it.
          expect(through).toBeLessThanOrEqual(limit_.burst + (now + delayMs) * perMs + 1e-6 + (now > 1000 ? limit_.burst * Math.ceil(now / 1000) : 0));
        }
        now += Math.ceil(limit_.burst / perMs) + 501;
        expect(buckets.take('a')).toEqual({ allowed: true, delayMs: 0 });
      }),
    );
  }); // prettier-ignore
});

test.each([
  [0, '0s'],
  [0.0015, '1.5µs'],
  [998.25, '998.25ms'],
  [1500, '1.5s'],
  [60_000, '1m0s'],
  [3_661_001, '1h1m1.001s'],
])('%f ms are written as Go does: %s', (ms, text) => expect(goDuration(ms)).toBe(text));

describe('inFlightReq', () => {
  const limit: MiddlewareConfig = { kind: 'in-flight-req', source, amount: 1, caller: byHeader };
  const who = { headers: { 'X-Who': 'a' } };

  test('counts what is under way over a new configuration, until it ends or its visitor goes away', async () => {
    const arrived: (() => void)[] = [];
    const waiting: (() => void)[] = [];
    const { ask, apply, visitor } = await start(served(limit), (_, response) => {
      arrived.shift()?.();
      waiting.push(() => response.end('done'));
    });
    const next = (): Promise<void> => new Promise((resolve) => arrived.push(resolve));

    let came = next();
    const first = ask('/', who);
    await came;
    const refused = await ask('/', who);
    expect([refused.status, refused.body.toString()]).toEqual([429, 'max connections reached: 1']);
    apply(plain(...served(limit).routes, route('more', prefix('/more'))));
    expect((await ask('/', who)).status).toBe(429);
    waiting.shift()?.();
    expect((await first).status).toBe(200);

    came = next();
    const leaving = visitor();
    const lost = leaving.ask('/', who);
    await came;
    leaving.stream.reset();
    await expect(lost).rejects.toThrow();
    came = next();
    const last = ask('/', who);
    await came;
    for (const end of waiting) end();
    expect((await last).status).toBe(200);
  });
});
