const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
/** RFC 1035 §2.3.4: octets of one label. */
const LABEL_MAX = 63;

export type RandomBytes = (size: number) => Uint8Array;

/** At least `bits` random bits in lower-case base 32 (RFC 4648 §6 letters), safe in a host label and in a path. */
export function randomName(bits: number, randomBytes: RandomBytes): string {
  const length = Math.ceil(bits / 5);
  // 256 is a multiple of 32, so the low five bits of each byte are uniform.
  return Array.from(randomBytes(length), (byte) => ALPHABET.charAt(byte & 31)).join('');
}

/** `NAME-RANDOM.DOMAIN`; the name is cut, not the random part, where the label would grow too long. */
export function randomHost(name: string, domain: string, bits: number, randomBytes: RandomBytes): string {
  const suffix = randomName(bits, randomBytes);
  const room = LABEL_MAX - suffix.length - 1;
  return `${name.slice(0, room).replace(/-+$/, '')}-${suffix}.${domain}`;
}
