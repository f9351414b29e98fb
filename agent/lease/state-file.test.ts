import { chmod, mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';

import { readStateFile, writeStateFile } from './state-file.ts';

const shape = z.object({ secret: z.string() });
let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'state-'));
  path = join(folder, 'agent.json');
});
afterEach(() => rm(folder, { recursive: true }));

test.skipIf(process.platform === 'win32')('a file that others could read is read, and theirs no more', async () => {
  await writeStateFile(path, { secret: 's' });
  await chmod(path, 0o644);
  expect(await readStateFile(path, shape)).toEqual({ secret: 's' });
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test('a file of gigabytes is as good as none', async () => {
  const file = await open(path, 'w');
  await file.truncate(3 * 1024 ** 3);
  await file.close();
  expect(await readStateFile(path, shape)).toBeUndefined();
});

test('a draft that cannot be made is told as such, also where nothing can be removed either', async () => {
  await writeStateFile(path, { secret: 's' });
  await expect(writeStateFile(join(path, 'lease.json'), {})).rejects.toMatchObject({ code: 'state-unwritable' });
});
