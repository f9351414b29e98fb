import { isDeepStrictEqual } from 'node:util';
import type { WebSocketRole } from '../frame.ts';
import { FrameWriter } from '../frame-writer.ts';
import { cutInto } from './cut-into.ts';
import { frameBytes } from './frame-bytes.ts';
import { parsed, type Seen } from './parsed.ts';
import { framedByWs, seenByWs } from './ws-peer.ts';
import { picker, type Pick } from '../../testing/picker.ts';

const MAX_MESSAGE_BYTES = 4096;
/** What we refuse and `ws` takes: text, and lengths that are not in their shortest form (RFC 6455 §5.2). */
const STRICTER = new Set(['websocket-not-binary', 'websocket-bad-length']);
const LENGTHS = [0, 1, 2, 124, 125, 126, 127, 128, 1000, MAX_MESSAGE_BYTES, MAX_MESSAGE_BYTES + 1];
const CLAIMS = [
  125n,
  126n,
  65_535n,
  65_536n,
  2n ** 31n,
  2n ** 32n,
  2n ** 53n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
];

export interface FuzzOutcome {
  readonly bytes: number;
  /** How our parser ended: the code of a refusal, 'closed' or 'open'. */
  readonly end: string;
}

/**
 * One round against `ws`: hostile frames, which we must refuse where it does and else read as it does; then what our
 * writer and its sender write, each read by the other side. Throws when they differ. Same seed, same round.
 */
export function fuzzFrames(seed: number): FuzzOutcome {
  const pick = picker(seed);
  const role = pick(2) === 0 ? 'server' : 'client';
  const bytes = mutate(frames(role, pick), pick);
  const sizes = Array.from({ length: 1 + pick(5) }, () => 1 + pick(pick(2) === 0 ? 5 : 3000));
  const ours = parsed(cutInto(sizes, bytes), { role, maxMessageBytes: MAX_MESSAGE_BYTES }).seen;
  const whole = parsed([bytes], { role, maxMessageBytes: MAX_MESSAGE_BYTES }).seen;
  const theirs = seenByWs(cutInto(sizes, bytes), role, MAX_MESSAGE_BYTES);
  if (!isDeepStrictEqual(ours, whole)) throw differ(seed, 'cut and whole', ours, whole);
  compare(seed, ours, theirs);
  exchange(seed, pick);
  const last = ours.at(-1);
  return { bytes: bytes.length, end: last?.kind === 'error' ? last.code : last?.kind === 'close' ? 'closed' : 'open' };
}

function compare(seed: number, ours: readonly Seen[], theirs: readonly Seen[]): void {
  const refusal = ours.at(-1);
  const isRefused = refusal?.kind === 'error';
  const before = isRefused ? ours.slice(0, -1) : ours;
  const same = isDeepStrictEqual(before, theirs.slice(0, before.length));
  if (!same) throw differ(seed, 'ours and those of ws', ours, theirs);
  if (!isRefused) {
    if (theirs.length !== ours.length) throw differ(seed, 'ours and those of ws', ours, theirs);
    return;
  }
  const next = theirs[before.length];
  if (next?.kind !== 'error' && !STRICTER.has(refusal.code)) throw differ(seed, 'refused here only', ours, theirs);
}

/** Right messages, written by one side and read by the other. */
function exchange(seed: number, pick: Pick): void {
  const role = pick(2) === 0 ? 'client' : 'server';
  const reader = role === 'client' ? 'server' : 'client';
  const writer = new FrameWriter(role);
  const messages = Array.from({ length: 1 + pick(4) }, () =>
    Array.from({ length: 1 + pick(4) }, () => Buffer.alloc(pick(4) === 0 ? pick(100_000) : pick(300), pick(256))),
  );
  const limit = 1 << 20;
  const expected: Seen[] = messages.map((chunks) => ({
    kind: 'message',
    opcode: 2,
    bytes: Buffer.concat(chunks).toString('hex'),
  }));
  const framed = messages.map((chunks) => writer.message(chunks));
  const byWs = seenByWs(
    framed.flatMap(({ chunks }) => chunks),
    reader,
    limit,
  );
  for (const { blocks } of framed) writer.giveBack(blocks);
  if (!isDeepStrictEqual(byWs, expected)) throw differ(seed, 'our frames read by ws', byWs, expected);
  const fromWs = messages.flatMap((chunks) =>
    chunks.map((chunk, index) =>
      framedByWs(chunk, { fin: index === chunks.length - 1, opcode: index === 0 ? 2 : 0, role }),
    ),
  );
  const sizes = Array.from({ length: 3 }, () => 1 + pick(70_000));
  const byUs = parsed(cutInto(sizes, Buffer.concat(fromWs)), { role: reader, maxMessageBytes: limit }).seen;
  if (!isDeepStrictEqual(byUs, expected)) throw differ(seed, 'frames of ws read by us', byUs, expected);
}

/** Mostly right frames for this side, now and then wrong in one way. */
function frames(role: WebSocketRole, pick: Pick): Buffer {
  const parts: Buffer[] = [];
  let inMessage = false;
  for (let count = 1 + pick(8); count > 0; count--) {
    const isControl = pick(4) === 0;
    const fin = isControl || pick(3) > 0;
    const opcode = isControl ? (pick(8) === 0 ? 8 : 9 + pick(2)) : inMessage ? 0 : 2;
    if (!isControl) inMessage = !fin;
    const length = isControl ? pick(126) : (LENGTHS[pick(LENGTHS.length)] ?? 0) >>> (pick(2) * 3);
    const mask = role === 'server' ? [pick(256), pick(256), pick(256), pick(256)] : undefined;
    const right = { opcode, fin, payload: opcode === 8 ? closeBody(pick) : Buffer.alloc(length, pick(256)), mask };
    parts.push(frameBytes(pick(10) === 0 ? { ...right, ...wrong(pick) } : right));
  }
  return Buffer.concat(parts);
}

function wrong(pick: Pick): Partial<Parameters<typeof frameBytes>[0]> {
  const ways = [
    () => ({ opcode: pick(16) }),
    () => ({ fin: pick(2) === 0 }),
    () => ({ rsv: 1 + pick(7) }),
    () => ({ mask: pick(2) === 0 ? undefined : [1, 2, 3, 4] }),
    () => ({ claims: CLAIMS[pick(CLAIMS.length)] ?? 0n, lengthBytes: 8 as const }),
    () => ({ claims: BigInt(pick(200)), lengthBytes: pick(2) === 0 ? (2 as const) : (8 as const) }),
    () => ({ opcode: 8, payload: Buffer.alloc(pick(4), pick(256)) }),
    () => ({ opcode: 9, payload: Buffer.alloc(124 + pick(4)) }),
  ];
  return ways[pick(ways.length)]?.() ?? {};
}

function closeBody(pick: Pick): Buffer {
  const code = [1000, 1001, 1005, 1006, 1011, 1015, 2999, 3000, 4999, 5000, 0][pick(11)] ?? 0;
  const reason = pick(3) === 0 ? Buffer.from([0xed, 0xa0, 0x80]) : Buffer.from('because ✓');
  return pick(4) === 0 ? Buffer.alloc(0) : Buffer.concat([Uint8Array.of(code >> 8, code & 255), reason]);
}

/** Now and then a few bytes are changed, taken out or put in. */
function mutate(bytes: Buffer, pick: Pick): Buffer {
  if (pick(3) !== 0) return bytes;
  const at = pick(bytes.length + 1);
  if (pick(2) === 0) {
    const changed = Buffer.from(bytes);
    if (at < changed.length) changed[at] = pick(256);
    return changed;
  }
  const put = Buffer.from(Array.from({ length: pick(4) }, () => pick(256)));
  return Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + pick(4))]);
}

function differ(seed: number, what: string, one: readonly Seen[], other: readonly Seen[]): Error {
  return new Error(`seed ${seed}: ${what} differ:\n${short(one)}\n${short(other)}`);
}

function short(seen: readonly Seen[]): string {
  return seen.map((event) => JSON.stringify(event).slice(0, 120)).join('\n');
}
