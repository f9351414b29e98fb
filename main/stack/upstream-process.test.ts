import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startUpstreams, type UpstreamSet } from './upstream-process.ts';

const listeners = { onEvent: () => undefined, onLog: () => undefined };
let dir: string;
let set: UpstreamSet | undefined;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'adit-upstream-'));
  await writeFile(
    join(dir, 'server.mjs'),
    `import { createServer } from 'node:http';
     createServer((request, response) => response.end(JSON.stringify({ color: process.env.COLOR, pid: process.pid }))).listen(Number(process.env.PORT), '127.0.0.1');`,
  );
});
afterEach(async () => {
  await set?.stop(3_000);
  set = undefined;
  await rm(dir, { recursive: true, force: true });
});

async function ask(url: string | undefined): Promise<{ color: string; pid: number }> {
  return (await (await fetch(url ?? '')).json()) as { color: string; pid: number };
}

test('a command listens on the port that it is given, in its folder and environment', async () => {
  set = await startUpstreams(
    dir,
    {
      'shop/pets': { command: [process.execPath, 'server.mjs'], env: { COLOR: 'green' } },
      orders: { url: 'http://127.0.0.1:9' },
    },
    listeners,
  );
  expect(set.problems).toEqual([]);
  expect(set.urls['orders']).toBe('http://127.0.0.1:9');
  expect((await ask(set.urls['shop/pets'])).color).toBe('green');
});

test('what a shell command started is ended with it', async () => {
  set = await startUpstreams(dir, { pets: { command: `"${process.execPath}" server.mjs & wait`, env: {} } }, listeners);
  const { pid } = await ask(set.urls['pets']);
  expect(set.pids()).not.toContain(pid);
  await set.stop(3_000);
  // It was signalled before its shell's end was told; the system collects it a moment later.
  await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow(/ESRCH/), { timeout: 5_000 });
});

test('a command that does not listen is a problem with what it said; the others run', async () => {
  set = await startUpstreams(
    dir,
    {
      broken: { command: `"${process.execPath}" -e "console.error('Error: no database'); process.exit(3)"`, env: {} },
      good: { command: [process.execPath, 'server.mjs'], env: {} },
    },
    listeners,
  );
  expect(set.problems).toEqual([
    expect.stringMatching(/upstream broken: nothing listens on 127\.0\.0\.1:\d+ .*no database/),
  ]);
  expect((await ask(set.urls['good'])).pid).toBeGreaterThan(0);
});

test('a terminal that is closed ends the command too', async () => {
  set = await startUpstreams(dir, { pets: { command: [process.execPath, 'server.mjs'], env: {} } }, listeners);
  const { pid } = await ask(set.urls['pets']);
  const [leash = 0] = set.pids();
  // As the kernel does to the group in its foreground, which the command is not in.
  process.kill(leash, 'SIGHUP');
  await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow(/ESRCH/), { timeout: 5_000 });
});

test('stopping does not wait for a command that lost its leash', async () => {
  set = await startUpstreams(dir, { pets: { command: [process.execPath, 'server.mjs'], env: {} } }, listeners);
  const { pid } = await ask(set.urls['pets']);
  const [leash = 0] = set.pids();
  try {
    process.kill(leash, 'SIGKILL');
    await set.stop(3_000);
  } finally {
    process.kill(pid, 'SIGKILL');
  }
});

test('nobody waits for a command to listen once it is told to stop', async () => {
  const cancel = new AbortController();
  set = await startUpstreams(
    dir,
    { pets: { command: `"${process.execPath}" -e "console.log('here'); setInterval(() => {}, 1000)"`, env: {} } },
    { ...listeners, onLog: () => cancel.abort(), signal: cancel.signal },
  );
  expect(cancel.signal.aborted).toBe(true);
}, 5_000);
