import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Limiter } from '../limiter.ts';
import { KeptConsumption } from './kept-consumption.ts';

let stateDir: string;
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'adit-consumption-'));
});
afterEach(() => rm(stateDir, { recursive: true }));

const demand = {
  rate: { key: 'application shop/a', limit: 10, periodMs: 1000 },
  quota: { key: 'application shop/a', limit: 100, periodMs: 3_600_000 },
};

async function agent(monotonic: () => number, wallClock: () => number, saveAfterMs = 1) {
  const limiter = new Limiter(monotonic);
  const troubles: string[] = [];
  const onTrouble = (message: string) => troubles.push(message);
  const kept = new KeptConsumption({ stateDir, limiter, wallClock, saveAfterMs, onTrouble });
  await kept.start();
  return { limiter, kept, troubles };
}

test('what was consumed before an end in order is consumed after it, and time went on meanwhile', async () => {
  const first = await agent(
    () => 5_000_000,
    () => 1000,
    60_000,
  );
  for (let call = 0; call < 10; call++) first.limiter.take(demand);
  await first.kept.close();
  const file = join(stateDir, 'consumption.json');
  expect((await stat(file)).mode & 0o777).toBe(0o600);

  const second = await agent(
    () => 7,
    () => 1300,
  );
  expect(second.limiter.take(demand)).toEqual({ kind: 'allowed', delayMs: 0, rateLeft: 2, quotaLeft: 89 });
  await second.kept.close();
});

test('consumption is on the disk soon after, so that a crash forgets little', async () => {
  const { limiter, kept } = await agent(
    () => 0,
    () => 0,
  );
  limiter.take(demand);
  await expect.poll(() => readFile(join(stateDir, 'consumption.json'), 'utf8').catch(() => '')).toContain('shop/a');
  expect(await readdir(stateDir)).toEqual(['consumption.json']);
  const after = await agent(
    () => 0,
    () => 0,
  );
  expect(after.limiter.take(demand)).toMatchObject({ quotaLeft: 98 });
  await after.kept.close();
  await kept.close();
});

test.each(['', '{"savedAt":1', '{"savedAt":1,"levels":[["k",-5,0,0]],"windows":[]}', '[]'])(
  'a torn or foreign file %j is worth none',
  async (text) => {
    await writeFile(join(stateDir, 'consumption.json'), text);
    const { limiter, kept } = await agent(
      () => 0,
      () => 0,
    );
    expect(limiter.take(demand)).toMatchObject({ quotaLeft: 99 });
    await kept.close();
  },
);

test('a wall clock that went back makes no time pass', async () => {
  const first = await agent(
    () => 0,
    () => 100_000,
  );
  for (let call = 0; call < 10; call++) first.limiter.take(demand);
  await first.kept.close();
  const second = await agent(
    () => 0,
    () => 50_000,
  );
  expect(second.limiter.take(demand)).toMatchObject({ kind: 'spent', by: 'rate' });
  await second.kept.close();
});

test('a folder that cannot be written is told once, and calls go on', async () => {
  const { limiter, kept, troubles } = await agent(
    () => 0,
    () => 0,
    60_000,
  );
  await rm(stateDir, { recursive: true });
  await writeFile(stateDir, 'a file in its place');
  limiter.take(demand);
  await kept.close();
  expect(troubles).toEqual([expect.stringContaining('consumption.json')]);
  expect(limiter.take(demand).kind).toBe('allowed');
});
