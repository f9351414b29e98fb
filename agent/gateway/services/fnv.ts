const OFFSET = 0xcbf29ce484222325n;
const PRIME = 0x100000001b3n;

/** FNV-1, 64 bits (draft-eastlake-fnv), of the text as UTF-8. */
export function fnv1(text: string): bigint {
  let hash = OFFSET;
  for (const byte of Buffer.from(text, 'utf8')) hash = BigInt.asUintN(64, hash * PRIME) ^ BigInt(byte);
  return hash;
}

/** FNV-1a: the byte comes in before the multiplication. */
export function fnv1a(text: string): bigint {
  let hash = OFFSET;
  for (const byte of Buffer.from(text, 'utf8')) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * PRIME);
  return hash;
}
