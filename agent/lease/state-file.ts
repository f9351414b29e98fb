import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

import type { z } from 'zod';

import { AgentError } from '../errors.ts';

const MAX_BYTES = 1024 * 1024;

/** What the file holds, or undefined when it is absent or not (or no longer) of this shape. */
export async function readStateFile<T>(
  path: string,
  schema: z.ZodType<T>,
  maxBytes: number = MAX_BYTES,
): Promise<T | undefined> {
  let text: string | undefined;
  try {
    text = await readBounded(path, maxBytes);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new AgentError('state-unwritable', `cannot read ${path}: ${String(error)}`, { cause: error });
  }
  if (text === undefined) return undefined;
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch (error) {
    // A torn or foreign file is worth no more than none: what it held is asked for again.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function readBounded(path: string, maxBytes: number): Promise<string | undefined> {
  const { mode, size } = await stat(path);
  // As a copy from elsewhere may be. What belongs to somebody else is theirs to close.
  if ((mode & 0o077) !== 0) await chmod(path, 0o600).catch(() => undefined);
  return size > maxBytes ? undefined : await readFile(path, 'utf8');
}

/** Writes the whole file or nothing, readable for its owner only: it holds secrets. */
export async function writeStateFile(path: string, value: unknown): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFile(draft, `${JSON.stringify(value)}\n`, { mode: 0o600, flag: 'wx', flush: true });
    await rename(draft, path);
  } catch (error) {
    // Where it cannot be removed, it could not be made either.
    await rm(draft, { force: true }).catch(() => undefined);
    throw new AgentError('state-unwritable', `cannot write ${path}: ${String(error)}`, { cause: error });
  }
}

export async function removeStateFile(path: string): Promise<void> {
  await rm(path, { force: true });
}
