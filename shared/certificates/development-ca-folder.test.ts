import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { DevelopmentCa } from './development-ca.ts';
import { DevelopmentCaError, openDevelopmentCa } from './development-ca-folder.ts';

const DAY_MS = 86_400_000;
let root: string;
let folder: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'adit-ca-'));
  folder = join(root, 'new', 'ca');
});
afterEach(() => {
  vi.useRealTimers();
  return rm(root, { recursive: true, force: true });
});

async function refused(): Promise<string> {
  const error: unknown = await openDevelopmentCa(folder).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(DevelopmentCaError);
  return (error as Error).message;
}

test('an authority is made once, with its key for the owner only', async () => {
  const first = await openDevelopmentCa(folder);
  expect(first.state).toBe('new');
  expect(await readFile(first.file, 'utf8')).toBe(first.ca.cert);
  const second = await openDevelopmentCa(folder);
  expect([second.state, second.ca.fingerprint]).toEqual(['kept', first.ca.fingerprint]);
  const modes = await Promise.all(
    ['.', 'ca.pem', 'ca-key.pem'].map(async (name) => (await stat(join(folder, name))).mode & 0o777),
  );
  expect(modes).toEqual([0o700, 0o644, 0o600]);
});

test('a folder that was there stays open to whom it was, and the key in it is for the owner only', async () => {
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o755);
  await openDevelopmentCa(folder);
  // As a copy from elsewhere may be.
  await chmod(join(folder, 'ca-key.pem'), 0o644);
  await openDevelopmentCa(folder);
  const modes = await Promise.all(
    [folder, join(folder, 'ca-key.pem')].map(async (at) => (await stat(at)).mode & 0o777),
  );
  expect(modes).toEqual([0o755, 0o600]);
});

test('who opens it at the same time has the same authority, and nothing else is left in the folder', async () => {
  const opened = await Promise.all(Array.from({ length: 12 }, () => openDevelopmentCa(folder)));
  expect(new Set(opened.map(({ ca }) => ca.fingerprint)).size).toBe(1);
  expect((await readdir(folder)).toSorted()).toEqual(['ca-key.pem', 'ca.pem']);
});

test('a certificate that was lost is made again for the same key', async () => {
  const first = await openDevelopmentCa(folder);
  const key = await readFile(join(folder, 'ca-key.pem'), 'utf8');
  await rm(first.file);
  expect((await openDevelopmentCa(folder)).state).toBe('new');
  expect(await readFile(join(folder, 'ca-key.pem'), 'utf8')).toBe(key);
});

test('a lost key, files that do not belong together and damaged ones are told, and stay as they are', async () => {
  const { file } = await openDevelopmentCa(folder);
  const keyFile = join(folder, 'ca-key.pem');
  const key = await readFile(keyFile, 'utf8');

  await rm(keyFile);
  expect(await refused()).toBe(`${keyFile} is missing: bring it back, or delete ${file} to have a new authority made`);

  const other = await DevelopmentCa.makeKey();
  await writeFile(keyFile, other);
  expect(await refused()).toContain(
    `${file} and ${keyFile} are no development CA: the key is not that of the certificate`,
  );
  expect(await readFile(keyFile, 'utf8')).toBe(other);

  await writeFile(keyFile, key.slice(0, 60));
  expect(await refused()).toContain('delete both to have a new one made');
  await writeFile(keyFile, key);
  await writeFile(file, 'nonsense');
  expect(await refused()).toContain(file);
  expect(await readFile(file, 'utf8')).toBe('nonsense');
});

test('a folder that cannot be made is told', async () => {
  await writeFile(join(root, 'new'), 'a file');
  expect(await refused()).toContain(`${folder}: no development CA can be kept here`);
});

test('an authority near its end is renewed with the same key', async () => {
  const { file } = await openDevelopmentCa(folder);
  const key = await readFile(join(folder, 'ca-key.pem'), 'utf8');
  await writeFile(file, await DevelopmentCa.certify(key, 59 * DAY_MS));
  await chmod(file, 0o600);
  const renewed = await openDevelopmentCa(folder);
  expect(renewed.state).toBe('renewed');
  expect(renewed.ca.until.getTime()).toBeGreaterThan(Date.now() + 3_000 * DAY_MS);
  expect(await readFile(file, 'utf8')).toBe(renewed.ca.cert);
  expect((await openDevelopmentCa(folder)).state).toBe('kept');
});

test('an authority that was made while the clock was ahead is renewed with the same key', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 400 * DAY_MS });
  const early = await openDevelopmentCa(folder);
  expect(early.state).toBe('new');
  vi.useRealTimers();
  const renewed = await openDevelopmentCa(folder);
  expect(renewed.state).toBe('renewed');
  expect(renewed.ca.from.getTime()).toBeLessThan(Date.now());
  expect((await openDevelopmentCa(folder)).state).toBe('kept');
});
