import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { accessCases, JWT_SECRET } from './access-cases.ts';
import { HubRig, type HubCase } from './rig.ts';

let rig: HubRig;
beforeAll(async () => {
  rig = await HubRig.start();
});
afterAll(async () => {
  await rig.stop();
});

const cases: readonly HubCase[] = [...accessCases];

describe('the kinds of the hub', () => {
  test.each(cases)('$part: $says', async ({ manifests, asks }) => {
    await rig.serve(manifests);
    for (const { status, answer = {}, received, ...ask } of asks) {
      const got = await rig.ask(ask);
      const seen = [ask.method ?? 'GET', ask.target];
      expect([...seen, got.status, got.status === status ? '' : got.body]).toEqual([...seen, status, '']);
      const headers = new Map(got.headers);
      for (const [name, value] of Object.entries(answer))
        expect([name, headers.get(name) ?? null]).toEqual([name, value]);
      const [upstream] = got.received;
      expect([...seen, got.received.length]).toEqual([...seen, status === 200 ? 1 : 0]);
      const sent = new Map([...(upstream?.headers ?? []), [':target', upstream?.target ?? '']]);
      for (const [name, value] of Object.entries(received ?? {}))
        expect([name, sent.get(name) ?? null]).toEqual([name, value]);
    }
  });

  test('no secret is in what the process says', () => {
    for (const text of [JWT_SECRET, 'key-app', 'key-stranger']) expect(rig.said).not.toContain(text);
  });
});
