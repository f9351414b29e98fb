import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AccessLogFile } from './access-log-file.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'adit-access-log-'));
});
afterEach(() => rm(dir, { recursive: true }));

test('lines that come before the file is open, and while it turns, are not lost', async () => {
  const path = join(dir, 'below', 'access.log');
  const file = new AccessLogFile(path, (message) => expect(message).toBe(''), 1000);
  for (let line = 0; line < 15; line += 1) file.write(`${String(line).padStart(99)}\n`);
  await file.close();
  const lines = async (at: string): Promise<number[]> =>
    (await readFile(at, 'utf8'))
      .split('\n')
      .filter((text) => text !== '')
      .map(Number);
  const all = [...(await lines(path).catch(() => [])), ...(await lines(`${path}.1`).catch(() => []))];
  expect(all.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 15 }, (_, line) => line));
});

test('a full file becomes the one before, and what it holds already counts', async () => {
  const path = join(dir, 'access.log');
  await writeFile(path, 'x'.repeat(900));
  const first = new AccessLogFile(path, () => undefined, 1000);
  first.write(`${'a'.repeat(200)}\n`);
  await first.close();
  const second = new AccessLogFile(path, () => undefined, 1000);
  second.write('after\n');
  await second.close();
  expect(await readFile(`${path}.1`, 'utf8')).toMatch(/^x{900}a{200}\n/);
  expect(await readFile(path, 'utf8').catch(() => readFile(`${path}.1`, 'utf8'))).toContain('after\n');
});

test('a folder that cannot be written is said once, and stops nobody', async () => {
  const said: string[] = [];
  await writeFile(join(dir, 'file'), '');
  await chmod(dir, 0o700);
  const file = new AccessLogFile(join(dir, 'file', 'access.log'), (message) => said.push(message));
  for (let line = 0; line < 3; line += 1) file.write('line\n');
  await file.close();
  file.write('late\n');
  expect(said).toHaveLength(1);
  expect(said[0]).toContain(join(dir, 'file', 'access.log'));
});
