const SLOTS = 256;
/** Longer names are rare, and would keep more than they save. */
const MAX_KEPT_BYTES = 48;

interface Slot {
  readonly bytes: Uint8Array;
  readonly name: string;
}

/**
 * Names that came lately, one for each slot: a name is told by its bytes, is one string as long as it keeps its slot, and
 * its lower-case form is at hand. What strangers send takes slots from each other and nothing more.
 */
const slots: (Slot | undefined)[] = Array.from({ length: SLOTS }, () => undefined);
const lowers = new Map<string, string>();

/** What `fieldName` wants: start with 0, and take in each byte. */
export function nameHash(hash: number, byte: number): number {
  return (Math.imul(hash, 31) + byte) | 0;
}

/** The name that is `line[start..end)` in Latin-1; `hash` by `nameHash` of its bytes in order. */
export function fieldName(line: Buffer, start: number, end: number, hash: number): string {
  const index = (hash ^ (hash >>> 8)) & (SLOTS - 1);
  const slot = slots[index];
  if (slot !== undefined && isAt(line, start, end, slot.bytes)) return slot.name;
  const name = line.toString('latin1', start, end);
  if (end - start > MAX_KEPT_BYTES) return name;
  if (slot !== undefined) lowers.delete(slot.name);
  slots[index] = { bytes: Uint8Array.prototype.slice.call(line, start, end), name };
  lowers.set(name, name.toLowerCase());
  return name;
}

/** The name in lower case; quick for one that `fieldName` made. */
export function lowerName(name: string): string {
  return lowers.get(name) ?? name.toLowerCase();
}

function isAt(line: Buffer, start: number, end: number, bytes: Uint8Array): boolean {
  if (end - start !== bytes.length) return false;
  for (let at = 0; at < bytes.length; at++) if (line[start + at] !== bytes[at]) return false;
  return true;
}
