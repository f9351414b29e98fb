import type { CallOutput } from '../../shared/contract/contract.ts';
import type { Result } from '../../shared/result/result.ts';
import { ok } from '../../shared/result/result.ts';
import { decode, readTextFile } from '../workspace/text-file.ts';
import { resolveInside } from '../workspace/workspace-path.ts';
import { git } from './git.ts';

const MAX_SIDE_BYTES = 5 * 1024 * 1024;

/** Both sides of a change: as in the last commit (`from` for a renamed file), and as on disk. `null`: not there. */
export async function gitDiff(
  cwd: string,
  file: string,
  from: string | undefined,
  signal?: AbortSignal,
): Promise<Result<CallOutput<'gitDiff'>>> {
  const place = await resolveInside(cwd, file);
  if (!place.ok) return place;
  const before = await committed(cwd, from ?? file, signal);
  if (!before.ok) return before;
  const after = await readTextFile(place.value, file);
  if (!after.ok && after.error.code !== 'file-missing' && after.error.code !== 'file-not-text') return after;
  const text = before.value === null ? null : decode(before.value);
  const binary = text === undefined || (!after.ok && after.error.code === 'file-not-text');
  if (binary) return ok({ before: null, after: null, binary: true });
  return ok({ before: text, after: after.ok ? after.value.text : null, binary: false });
}

/** A file's bytes in the last commit; `null` when the commit, or the file in it, does not exist. */
export async function committed(cwd: string, file: string, signal?: AbortSignal): Promise<Result<Buffer | null>> {
  const object = `HEAD:./${file}`;
  // `cat-file -e` tells existence by its exit code, whatever language or version Git speaks.
  const exists = await git(['cat-file', '-e', object], cwd, { signal, successCodes: [0, 1, 128] });
  if (!exists.ok) return exists;
  if (exists.value.exit !== 0) return ok(null);
  const shown = await git(['cat-file', 'blob', object], cwd, { signal, maxOutputBytes: MAX_SIDE_BYTES });
  return shown.ok ? ok(shown.value.stdout) : shown;
}
