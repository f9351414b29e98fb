import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { accessCases, JWT_SECRET } from './access-cases.ts';
import type { Answer, Ask } from '../conformance/exchange.ts';
import { claimCases } from './claim-cases.ts';
import { corsCases } from './cors-cases.ts';
import { bearer } from './manifests.ts';
import { openApiCases } from './open-api-cases.ts';
import { planCases, RATE_OF_TWO } from './plan-cases.ts';
import { HubRig, type HubAsk, type HubCase } from './rig.ts';
import { versionCases } from './version-cases.ts';

let rig: HubRig;
beforeAll(async () => {
  rig = await HubRig.start();
});
afterAll(async () => {
  await rig.stop();
});

const cases: readonly HubCase[] = [
  ...accessCases,
  ...claimCases,
  ...versionCases,
  ...planCases,
  ...openApiCases,
  ...corsCases,
];

describe('the kinds of the hub', () => {
  test.each(cases)('$part: $says', async ({ manifests, asks }) => {
    await rig.serve(manifests);
    for (const ask of asks) {
      if (ask.manifests !== undefined) await rig.serve(ask.manifests);
      const services: Record<string, number> = {};
      for (let left = times(ask); left > 0; left -= 1) {
        const got = await rig.ask(asked(ask));
        check(ask, got);
        for (const { service } of got.received) services[service] = (services[service] ?? 0) + 1;
      }
      if (ask.spread !== undefined) expect(services).toEqual(ask.spread);
    }
  });

  test('2.5: no more passes than the rate, however often is asked', async () => {
    await rig.serve(RATE_OF_TWO);
    const started = performance.now();
    const seen = { allowed: 0, refused: 0 };
    while (seen.allowed < 5) {
      const { status, received } = await rig.ask({ target: '/shop', headers: [bearer('key-app')] });
      expect([200, 429]).toContain(status);
      expect(received).toHaveLength(status === 200 ? 1 : 0);
      seen[status === 200 ? 'allowed' : 'refused'] += 1;
    }
    // Two are there at once, each of the others takes half a second to come.
    expect(seen.allowed).toBeLessThanOrEqual(2 + (performance.now() - started) / 500);
  });

  test('no secret is in what the process says', () => {
    for (const text of [JWT_SECRET, 'key-app', 'key-stranger', 'key-kept', 'key-one'])
      expect(rig.said).not.toContain(text);
  });
});

function asked({ target, method, host, headers, sends }: HubAsk): Ask {
  return {
    target,
    ...(method === undefined ? {} : { method }),
    ...(host === undefined ? {} : { host }),
    ...(headers === undefined ? {} : { headers }),
    ...(sends === undefined ? {} : { body: sends }),
  };
}

function times({ spread }: HubAsk): number {
  return spread === undefined ? 1 : Object.values(spread).reduce((sum, count) => sum + count, 0);
}

function check(
  { status, reaches = status === 200, answer = {}, body = '', received = {}, ...ask }: HubAsk,
  got: Answer,
): void {
  const seen = [ask.method ?? 'GET', ask.target];
  expect([...seen, got.status, got.status === status ? '' : got.body]).toEqual([...seen, status, '']);
  const headers = new Map(got.headers);
  for (const [name, value] of Object.entries(answer)) {
    const has = headers.get(name) ?? null;
    expect([...seen, name, has]).toEqual([
      ...seen,
      name,
      value instanceof RegExp ? expect.stringMatching(value) : value,
    ]);
  }
  expect(got.body).toContain(body);
  const [upstream] = got.received;
  expect([...seen, got.received.length]).toEqual([...seen, reaches ? 1 : 0]);
  const { target = '', service = '' } = upstream ?? {};
  const sent = new Map([...(upstream?.headers ?? []), [':target', target], [':service', service]]);
  for (const [name, value] of Object.entries(received)) expect([name, sent.get(name) ?? null]).toEqual([name, value]);
}
