import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { PreviewEvent } from '../../shared/process/lines.ts';
import { keepAlive, ChildFailed, type KeptChild, type ReadyLine } from './keep-alive.ts';

let dir: string;
let kept: KeptChild | undefined;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'adit-keep-'));
});
afterEach(async () => {
  await kept?.stop(2_000);
  kept = undefined;
  await rm(dir, { recursive: true, force: true });
});

async function program(source: string): Promise<string> {
  const file = join(dir, 'child.mjs');
  await writeFile(file, source);
  return file;
}

const READY = `console.log(JSON.stringify({ event: 'ready', role: 'control', address: process.argv[2], pid: process.pid }));`;
const LEASHED = `process.stdin.on('end', () => process.exit(0)).resume();`;

function run(
  file: string,
  onEvent: (event: PreviewEvent) => void = () => undefined,
  readyWithinMs = 10_000,
): Promise<KeptChild> {
  return keepAlive({
    spec: (previous: ReadyLine | undefined) => ({
      name: 'child',
      command: process.execPath,
      args: [file, previous?.address ?? '127.0.0.1:0'],
    }),
    readyWithinMs,
    onEvent,
    onLog: () => undefined,
  });
}

test('a child that is killed runs again and is told what it said when it was ready', async () => {
  const file = await program(
    `${READY.replace('process.argv[2]', "process.argv[2] === '127.0.0.1:0' ? '127.0.0.1:4711' : process.argv[2]")} ${LEASHED}`,
  );
  let restarted: ((event: PreviewEvent) => void) | undefined;
  const event = new Promise<PreviewEvent>((resolve) => (restarted = resolve));
  const seen: string[] = [];
  kept = await run(file, (one) => {
    seen.push(one.event);
    if (one.event === 'child-restarted') restarted?.(one);
  });
  const first = kept.pid();
  process.kill(first, 'SIGKILL');
  expect(await event).toMatchObject({ child: 'child', address: '127.0.0.1:4711' });
  expect(kept.pid()).not.toBe(first);
  expect(seen).toEqual(['child-exited', 'child-restarted']);
});

test('a child that ends before it is ready is a failure with its last error line', async () => {
  const file = await program(
    `console.error('Error: listen EADDRINUSE 127.0.0.1:80'); console.error('    at somewhere'); process.exit(1);`,
  );
  await expect(run(file)).rejects.toThrow(/exit code 1.*EADDRINUSE/);
});

test('a failure that the child describes keeps its code and hint', async () => {
  const file = await program(
    `console.log(JSON.stringify({ event: 'failed', code: 'usage', message: 'no keys', hint: 'give keys' })); ${LEASHED}`,
  );
  const error = await run(file).catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(ChildFailed);
  expect(error).toMatchObject({ code: 'usage', message: 'no keys', hint: 'give keys' });
});

test('a child that never says it is ready is ended and named', async () => {
  const file = await program(`console.error('thinking'); ${LEASHED}`);
  await expect(run(file, undefined, 300)).rejects.toThrow(/child was not ready within 300 ms/);
});

test('a program that does not exist is named', async () => {
  await expect(
    keepAlive({
      spec: () => ({ name: 'child', command: join(dir, 'missing'), args: [] }),
      readyWithinMs: 1_000,
      onEvent: () => undefined,
      onLog: () => undefined,
    }),
  ).rejects.toThrow(/child could not be started/);
});

test('stop ends the child for good', async () => {
  const events: string[] = [];
  kept = await run(await program(`${READY} ${LEASHED}`), (event) => events.push(event.event));
  const pid = kept.pid();
  await kept.stop(2_000);
  expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  expect(events).toEqual([]);
});
