import { createHash } from 'node:crypto';
import { mkdir, open, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Result } from '../../shared/result/result.ts';
import { failed, reason, systemCode } from '../errors.ts';
import { atomicWrite } from './atomic-write.ts';

/** Larger files are listed but not opened. */
export const MAX_FILE_BYTES = 5 * 1024 * 1024;

export interface TextFile {
  readonly text: string;
  readonly version: string;
  readonly bytes: number;
}

/** Changes whenever the bytes change, and comes back when they do. */
export function versionOf(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Reads a text file by its absolute path; `name` is what errors call it. A byte-order mark stays in the text. */
export async function readTextFile(file: string, name: string): Promise<Result<TextFile>> {
  try {
    const handle = await open(file, 'r');
    try {
      const info = await handle.stat();
      if (!info.isFile()) return failed('file-not-file', { path: name });
      if (info.size > MAX_FILE_BYTES)
        return failed('file-too-large', { path: name, bytes: info.size, limit: MAX_FILE_BYTES });
      const bytes = await handle.readFile();
      const text = decode(bytes);
      if (text === undefined) return failed('file-not-text', { path: name });
      return { ok: true, value: { text, version: versionOf(bytes), bytes: bytes.byteLength } };
    } finally {
      await handle.close();
    }
  } catch (error) {
    return ioFailure(error, name);
  }
}

export interface SaveRequest {
  /** Real, absolute path. */
  readonly file: string;
  readonly name: string;
  readonly text: string;
  /** `null`: the file must not exist yet. */
  readonly baseVersion: string | null;
  /** Told the new version just before it takes the place of the old one, so that a watcher can know it as ours. */
  readonly onReplace?: (version: string) => void;
}

/**
 * Replaces a file's text if its version is still `baseVersion`. `file-changed` carries the text on disk as detail. The
 * mode is kept; a file that is not writable for its owner is refused although a rename could replace it.
 */
export async function saveTextFile(request: SaveRequest): Promise<Result<{ version: string }>> {
  const { file, name, text, baseVersion } = request;
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.byteLength > MAX_FILE_BYTES)
    return failed('file-too-large', { path: name, bytes: bytes.byteLength, limit: MAX_FILE_BYTES });
  const current = await readTextFile(file, name);
  if (!current.ok && current.error.code !== 'file-missing' && current.error.code !== 'file-not-text') return current;
  if (current.ok && baseVersion === null) return failed('file-exists', { path: name }, current.value.text);
  if (current.ok && baseVersion !== current.value.version)
    return failed('file-changed', { path: name }, current.value.text);
  if (!current.ok && current.error.code === 'file-not-text') return current;
  if (!current.ok && baseVersion !== null) return failed('file-gone', { path: name });
  try {
    const mode = current.ok ? (await stat(file)).mode & 0o7777 : 0o666 & ~process.umask();
    if (current.ok && (mode & 0o200) === 0) return failed('file-io', { path: name, problem: 'the file is read-only' });
    const version = versionOf(bytes);
    await mkdir(path.dirname(file), { recursive: true });
    request.onReplace?.(version);
    await atomicWrite(file, bytes, mode);
    return { ok: true, value: { version } };
  } catch (error) {
    return ioFailure(error, name);
  }
}

/** UTF-8 text, or undefined when the bytes are not. */
export function decode(bytes: Uint8Array): string | undefined {
  if (bytes.includes(0)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

export function ioFailure(error: unknown, name: string): Result<never> {
  const code = systemCode(error);
  if (code === 'ENOENT' || code === 'ENOTDIR') return failed('file-missing', { path: name });
  if (code === 'EISDIR') return failed('file-not-file', { path: name });
  if (code === 'EEXIST') return failed('file-exists', { path: name });
  if (code === 'EACCES' || code === 'EPERM') return failed('file-io', { path: name, problem: 'permission denied' });
  if (code === 'ENOSPC') return failed('file-io', { path: name, problem: 'the disk is full' });
  return failed('file-io', { path: name, problem: reason(error) });
}
