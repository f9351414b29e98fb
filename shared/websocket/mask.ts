import { createRequire } from 'node:module';
import { randomFillSync } from 'node:crypto';
import { MASK_BYTES } from './frame.ts';

/** Below this a call out of JavaScript costs more than the loop (measured: both take 100 ns at about this length). */
const NATIVE_BYTES = 64;
const POOL_BYTES = 8 * 1024;

interface NativeMask {
  mask(source: Uint8Array, key: Uint8Array, target: Uint8Array, at: number, length: number): void;
  unmask(bytes: Uint8Array, key: Uint8Array): void;
}

const native = loadNative();

/** Takes the mask off in place (RFC 6455 §5.3); `key` belongs to the first byte. */
export function unmask(bytes: Uint8Array, key: Uint8Array): void {
  if (bytes.length < NATIVE_BYTES) xor(bytes, key, 0, bytes.length);
  else native.unmask(bytes, key);
}

/** Writes `source`, masked, to `target` from `at` on; `key` belongs to the first byte. */
export function maskInto(source: Uint8Array, key: Uint8Array, target: Uint8Array, at: number): void {
  if (source.length < NATIVE_BYTES) {
    for (let index = 0; index < source.length; index++)
      target[at + index] = (source[index] ?? 0) ^ (key[index & 3] ?? 0);
  } else native.mask(source, key, target, at, source.length);
}

/** Moves the key on by this many bytes of payload. */
export function rotateKey(key: Uint8Array, bytes: number): void {
  const by = bytes & 3;
  if (by === 0) return;
  const a = key[0] ?? 0;
  const b = key[1] ?? 0;
  const c = key[2] ?? 0;
  const d = key[3] ?? 0;
  key[0] = by === 1 ? b : by === 2 ? c : d;
  key[1] = by === 1 ? c : by === 2 ? d : a;
  key[2] = by === 1 ? d : by === 2 ? a : b;
  key[3] = by === 1 ? a : by === 2 ? b : c;
}

const pool = new Uint8Array(POOL_BYTES);
let poolAt = POOL_BYTES;

/** Fills `key` with bytes that nobody can foresee, never used before: a mask must not be guessed (RFC 6455 §10.3). */
export function freshKey(key: Uint8Array): void {
  if (poolAt === POOL_BYTES) {
    randomFillSync(pool);
    poolAt = 0;
  }
  for (let index = 0; index < MASK_BYTES; index++) key[index] = pool[poolAt++] ?? 0;
}

function loadNative(): NativeMask {
  try {
    // Not a plain import: the program must run where no binary of it was built.
    return createRequire(import.meta.url)('bufferutil') as NativeMask;
  } catch {
    return byWords;
  }
}

/** 32 bits at a time, for systems without `bufferutil`. */
export const byWords: NativeMask = {
  unmask(bytes, key) {
    const start = Math.min(bytes.length, (4 - (bytes.byteOffset % 4)) % 4);
    const count = (bytes.length - start) >>> 2;
    xor(bytes, key, 0, start);
    if (count > 0) {
      const turned = Uint8Array.from(key);
      rotateKey(turned, start);
      const [word = 0] = new Int32Array(turned.buffer);
      const words = new Int32Array(bytes.buffer, bytes.byteOffset + start, count);
      for (let index = 0; index < count; index++) words[index] = (words[index] ?? 0) ^ word;
    }
    xor(bytes, key, start + count * 4, bytes.length);
  },
  mask(source, key, target, at, length) {
    target.set(source, at);
    byWords.unmask(target.subarray(at, at + length), key);
  },
};

function xor(bytes: Uint8Array, key: Uint8Array, from: number, to: number): void {
  for (let index = from; index < to; index++) bytes[index] = (bytes[index] ?? 0) ^ (key[index & 3] ?? 0);
}
