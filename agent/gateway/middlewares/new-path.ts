import type { NewPath } from '../../../shared/gateway/filter.ts';
import { utf8Bytes } from '../../../shared/gateway/byte-text.ts';
import { escapePath, unescapePath } from './go-path.ts';

/** The escaped path after a filter of the Gateway API, as Traefik makes it. */
export function replacedPath(rawPath: string, { path, prefix }: NewPath): string {
  const before = unescapePath(rawPath) ?? Buffer.from(rawPath, 'utf8');
  if (prefix === undefined) return sent(rawPath, before, Buffer.from(utf8Bytes(path)));
  const wanted = Buffer.from(utf8Bytes(prefix));
  const rest = before.subarray(0, wanted.length).equals(wanted) ? before.subarray(wanted.length) : before;
  const joined = joinClean(path, rest);
  // Cleaning took the slash at the end away, which stood in the path before.
  const slash = before.at(-1) === 0x2f && joined.at(-1) !== 0x2f;
  return sent(rawPath, before, slash ? Buffer.concat([joined, Buffer.from('/')]) : joined);
}

/** Escapes stay as they came where the path means the same; what is new gets Go's own. */
function sent(rawPath: string, before: Buffer, after: Buffer): string {
  return after.equals(before) ? rawPath : escapePath(after);
}

/** Go's `path.Join`: empty parts count for nothing, and `.`, `..` and empty segments are resolved. */
function joinClean(path: string, rest: Buffer): Buffer {
  const text = [Buffer.from(utf8Bytes(path)), rest].filter((part) => part.length > 0).map((part) => part.toString('latin1')).join('/'); // prettier-ignore
  if (text === '') return Buffer.alloc(0);
  const rooted = text.startsWith('/');
  const out: string[] = [];
  for (const segment of text.split('/')) {
    if (segment === '' || segment === '.') continue;
    if (segment !== '..') out.push(segment);
    else if (out.length > 0 && out.at(-1) !== '..') out.pop();
    else if (!rooted) out.push('..');
  }
  const clean = `${rooted ? '/' : ''}${out.join('/')}`;
  return Buffer.from(clean === '' ? '.' : clean, 'latin1');
}
