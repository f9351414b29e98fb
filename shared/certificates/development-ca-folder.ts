import { chmod, link, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { DevelopmentCa } from './development-ca.ts';

/** What stands in the way of an authority in a folder, and what to do. */
export class DevelopmentCaError extends Error {}

export const CA_FILE = 'ca.pem';
const KEY_FILE = 'ca-key.pem';
/** An authority that ends sooner is replaced, while what it signed is still believed. */
const MIN_LIFE_MS = 60 * 86_400_000;

export interface OpenedDevelopmentCa {
  readonly ca: DevelopmentCa;
  /** Of its certificate. */
  readonly file: string;
  /** `new`: there was none; `renewed`: the one before came to its end, or begins later, and visitors have to trust this one. */
  readonly state: 'kept' | 'new' | 'renewed';
}

/**
 * The authority of a folder, made when there is none; several processes may open the same folder at once. The key is 0600,
 * and a folder that had to be made 0700; one that was there may hold other things for others. Rejects with
 * `DevelopmentCaError`, and never takes the place of a file that it cannot use.
 */
export async function openDevelopmentCa(folder: string): Promise<OpenedDevelopmentCa> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return await open(folder);
  } catch (error) {
    if (error instanceof DevelopmentCaError) throw error;
    throw new DevelopmentCaError(`${folder}: no development CA can be kept here: ${reasonOf(error)}`);
  }
}

async function open(folder: string): Promise<OpenedDevelopmentCa> {
  const file = join(folder, CA_FILE);
  const keyFile = join(folder, KEY_FILE);
  const known = await readIfThere(file);
  const knownKey = await readIfThere(keyFile);
  if (known !== undefined && knownKey === undefined)
    throw new DevelopmentCaError(
      `${keyFile} is missing: bring it back, or delete ${file} to have a new authority made`,
    );
  if (knownKey !== undefined && ((await stat(keyFile)).mode & 0o077) !== 0) await chmod(keyFile, 0o600);
  const key = knownKey ?? (await firstOf(keyFile, await DevelopmentCa.makeKey(), 0o600));
  if (known === undefined) {
    const cert = await firstOf(file, await usable(file, keyFile, () => DevelopmentCa.certify(key)), 0o644);
    return { ca: await usable(file, keyFile, () => DevelopmentCa.from(cert, key)), file, state: 'new' };
  }
  const ca = await usable(file, keyFile, () => DevelopmentCa.from(known, key));
  const now = Date.now();
  // One that was made while the clock was ahead is believed by nobody now.
  if (ca.from.getTime() <= now && ca.until.getTime() - now > MIN_LIFE_MS) return { ca, file, state: 'kept' };
  const cert = await DevelopmentCa.certify(key);
  const fresh = await writeBeside(file, cert, 0o644);
  await rename(fresh, file);
  return { ca: await DevelopmentCa.from(cert, key), file, state: 'renewed' };
}

async function usable<T>(file: string, keyFile: string, make: () => Promise<T>): Promise<T> {
  try {
    return await make();
  } catch (error) {
    throw new DevelopmentCaError(
      `${file} and ${keyFile} are no development CA: ${reasonOf(error)}; bring them back, or delete both to have a new one made`,
    );
  }
}

/** What the file says in the end: `text`, or that of another process that was faster. */
async function firstOf(file: string, text: string, mode: number): Promise<string> {
  const mine = await writeBeside(file, text, mode);
  try {
    // Unlike a rename, a link takes no other's place; and unlike an exclusive write it is there as a whole.
    await link(mine, file);
    return text;
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error;
    return await readFile(file, 'utf8');
  } finally {
    await rm(mine, { force: true });
  }
}

async function writeBeside(file: string, text: string, mode: number): Promise<string> {
  const beside = `${file}.${randomUUID()}`;
  await writeFile(beside, text, { mode, flush: true });
  return beside;
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
