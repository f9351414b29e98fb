import { createHash } from 'node:crypto';

const ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const GROUPS = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]] as const; // prettier-ignore
const ROUNDS = 1000;

/** The MD5 crypt of FreeBSD and Apache (`$1$` and `$apr1$`): `MAGIC SALT $ DIGEST`. */
export function md5Crypt(password: string, salt: string, magic: string): string {
  const key = Buffer.from(password, 'utf8');
  const inner = md5(key, salt, key);
  const parts: (Buffer | string)[] = [key, magic, salt];
  for (let left = key.length; left > 0; left -= 16) parts.push(inner.subarray(0, Math.min(16, left)));
  for (let bits = key.length; bits > 0; bits >>= 1) parts.push((bits & 1) === 1 ? Buffer.of(0) : key.subarray(0, 1));
  let digest = md5(...parts);
  for (let round = 0; round < ROUNDS; round++) {
    const odd = round % 2 === 1;
    const of: (Buffer | string)[] = [odd ? key : digest];
    if (round % 3 !== 0) of.push(salt);
    if (round % 7 !== 0) of.push(key);
    of.push(odd ? digest : key);
    digest = md5(...of);
  }
  let text = '';
  for (const [a, b, c] of GROUPS)
    text += base64(((digest[a] ?? 0) << 16) | ((digest[b] ?? 0) << 8) | (digest[c] ?? 0), 4);
  return `${magic}${salt}$${text}${base64(digest[11] ?? 0, 2)}`;
}

function base64(value: number, letters: number): string {
  let text = '';
  for (let at = 0; at < letters; at++) text += ALPHABET.charAt((value >> (6 * at)) & 0x3f);
  return text;
}

function md5(...parts: readonly (Buffer | string)[]): Buffer {
  const hash = createHash('md5');
  for (const part of parts) hash.update(part);
  return hash.digest();
}
