import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { root } from '../support/running-stack.ts';
import { accessCases, JWT_SECRET } from './access-cases.ts';
import type { Answer, Ask } from '../conformance/exchange.ts';
import { claimCases } from './claim-cases.ts';
import { corsCases } from './cors-cases.ts';
import { keySetCases } from './key-set-cases.ts';
import { bearer } from './manifests.ts';
import { ChangingDocument } from './changing-document.ts';
import { openApiCases, refreshedEachMinute } from './open-api-cases.ts';
import { planCases, QUOTA_OF_TWO, RATE_OF_ONE, RATE_OF_TWO } from './plan-cases.ts';
import { portalCases } from './portal-cases.ts';
import { HubRig, type HubAsk, type HubCase } from './rig.ts';
import { SENTENCES, sentencesDocument } from './sentences.ts';
import { versionCases } from './version-cases.ts';

let rig: HubRig;
/** It waits for a minute to pass while the cases are asked. */
let refreshing: { readonly rig: HubRig; readonly document: ChangingDocument; readonly since: number };
beforeAll(async () => {
  rig = await HubRig.start();
  const document = await ChangingDocument.serve(['/shop/a']);
  refreshing = { rig: await HubRig.start(), document, since: performance.now() };
  await refreshing.rig.serve(refreshedEachMinute(document.url));
  for (const [target, status] of [
    ['/shop/a', 200],
    ['/shop/b', 404],
  ] as const)
    expect((await refreshing.rig.ask({ target, headers: [bearer('key-app')] })).status).toBe(status);
});
afterAll(async () => {
  await rig.stop();
  await refreshing.rig.stop();
  await refreshing.document.stop();
});

async function timed(): Promise<{
  status: number;
  remaining: string | undefined;
  askedAt: number;
  answeredAt: number;
}> {
  const askedAt = performance.now();
  const { status, headers } = await rig.ask({ target: '/shop', headers: [bearer('key-app')] });
  const remaining = headers.find(([name]) => /^x-(ratelimit|quota)-remaining$/.test(name))?.[1];
  return { status, remaining, askedAt, answeredAt: performance.now() };
}

const cases: readonly HubCase[] = [
  ...accessCases,
  ...claimCases,
  ...versionCases,
  ...planCases,
  ...openApiCases,
  ...corsCases,
  ...portalCases,
  ...keySetCases,
];

/** Tests that are no table of exchanges; the last is a file of its own. */
const ALONE = [
  '2.5: no more passes than the rate, however often is asked',
  '2.5: a call just over the rate waits for its token, one that comes too early is refused',
  '2.5: a quota slides: what was taken comes back when its period is over',
  '2.6: a document is fetched anew when its refreshInterval is over',
  '2.5: plans in Redis',
];
const document = join(root, 'docs/hub-kinds.md');

describe('the kinds of the hub', () => {
  test.each(cases)('$part: $says', async ({ manifests, told, asks }) => {
    if (told !== undefined) expect(rig.told(manifests)).toEqual(told);
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

  test('2.5: a call just over the rate waits for its token, one that comes too early is refused', async () => {
    await rig.serve(RATE_OF_ONE);
    // A token a second, and a call may wait for half of one. A machine that was held up may miss that half: then again.
    for (;;) {
      const first = await timed();
      if (first.status !== 200) continue;
      let next = await timed();
      for (; next.status === 429; next = await timed()) expect(next.remaining).toBe('0');
      expect(next.status).toBe(200);
      if (next.askedAt - first.answeredAt >= 1000) continue;
      // Node's timers may be a millisecond early.
      expect(next.answeredAt - first.askedAt).toBeGreaterThanOrEqual(998);
      break;
    }
  });

  test('2.5: a quota slides: what was taken comes back when its period is over', async () => {
    await rig.serve(QUOTA_OF_TWO);
    const [first, second] = [await timed(), await timed()];
    expect([first.status, second.status]).toEqual([200, 200]);
    let next = await timed();
    expect([next.status, next.answeredAt - first.askedAt < 2000]).toEqual([429, true]);
    while (next.status === 429) next = await timed();
    expect([next.status, next.remaining]).toEqual([200, expect.stringMatching(/^[01]$/)]);
    expect(next.answeredAt - first.askedAt).toBeGreaterThanOrEqual(1998);
  });

  test('2.6: a document is fetched anew when its refreshInterval is over', { timeout: 150_000 }, async () => {
    expect(refreshing.document.asked).toBe(1);
    refreshing.document.paths = ['/shop/a', '/shop/b'];
    const status = async (): Promise<number> =>
      (await refreshing.rig.ask({ target: '/shop/b', headers: [bearer('key-app')] })).status;
    await expect.poll(status, { timeout: 120_000, interval: 500 }).toBe(200);
    expect(performance.now() - refreshing.since).toBeGreaterThanOrEqual(59_990);
    expect(refreshing.document.asked).toBe(2);
  });

  test('each sentence of the facts has its case, and each case its sentence', () => {
    const known = new Set([...cases.map(({ part, says }) => `${part}: ${says}`), ...ALONE]);
    const named = new Set(SENTENCES.flatMap((sentence) => sentence.cases));
    expect([...named].filter((name) => !known.has(name))).toEqual([]);
    // Those of 1.3 are of single fields.
    expect([...known].filter((name) => !named.has(name) && !name.startsWith('1.3'))).toEqual([]);
    for (const { cases: of, why } of SENTENCES) expect(of.length > 0).toBe(why === undefined);
    const text = sentencesDocument(known.size);
    if (process.env['ADIT_WRITE_DOCS'] === '1') writeFileSync(document, text);
    expect(readFileSync(document, 'utf8'), 'write it anew with ADIT_WRITE_DOCS=1').toBe(text);
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
