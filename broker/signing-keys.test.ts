import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SigningKeys } from './signing-keys.ts';
import { quiet } from './testing/test-broker.ts';
import { ISSUER, makeKeys } from './testing/test-keys.ts';
import type { TestKeys } from './testing/test-keys.ts';

/** A control plane that publishes keys, each answer by hand once `held` is set. */
let control: Server;
let made: TestKeys[];
let published: string;
let asked: number;
let held: ServerResponse[] | undefined;
let keys: SigningKeys;

const all = (list: readonly TestKeys[]): string =>
  JSON.stringify({ keys: list.flatMap(({ jwks }) => (JSON.parse(jwks) as { keys: unknown[] }).keys) });

beforeEach(async () => {
  made = [await makeKeys('old'), await makeKeys('new')];
  published = all(made.slice(0, 1));
  asked = 0;
  held = undefined;
  control = createServer((_request, response) => {
    asked += 1;
    if (held === undefined) response.end(published);
    else held.push(response);
  });
  await new Promise<void>((resolve) => control.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(control.address() as AddressInfo).port}`;
  keys = new SigningKeys({ url, issuer: ISSUER, log: quiet });
  await keys.start();
});
afterEach(async () => {
  keys.stop();
  for (const one of made) await one.remove();
  control.closeAllConnections();
  await new Promise((resolve) => control.close(resolve));
});

const tokens = (count: number): Promise<string[]> =>
  Promise.all(
    Array.from({ length: count }, async (_, n) => (await made[1]?.token(`agent-${n}`, ['a.localhost'])) ?? ''),
  );

test('tokens of a new key that come just after the keys were asked for are good, and all ask once', async () => {
  published = all(made);
  const checked = await Promise.all((await tokens(3)).map((token) => keys.check(token)));
  expect(checked.map(({ ok }) => ok)).toEqual([true, true, true]);
  expect(asked).toBe(2);
});

test('tokens of a new key that come while the keys are on their way wait for them', async () => {
  const [first = '', second = ''] = await tokens(2);
  held = [];
  const one = keys.check(first);
  await expect.poll(() => held?.length, { timeout: 10_000 }).toBe(1);
  const two = keys.check(second);
  published = all(made);
  // Whatever is known by now was known before the answer came.
  await new Promise((resolve) => setImmediate(resolve));
  held[0]?.end(published);
  expect([(await one).ok, (await two).ok]).toEqual([true, true]);
  expect(asked).toBe(2);
});
