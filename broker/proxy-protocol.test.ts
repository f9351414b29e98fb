import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressGroup } from '../shared/limits/address-group.ts';
import { ProxyHeaderReader } from './proxy-protocol.ts';
import type { ProxyHeaderRead } from './proxy-protocol.ts';

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');

function binary(command: number, kind: number, body: Buffer, length = body.length): Buffer {
  const fixed = Buffer.from([command, kind, length >> 8, length & 255]);
  return Buffer.concat([SIGNATURE, fixed, body]);
}

function read(...pieces: readonly (Buffer | string)[]): ProxyHeaderRead {
  const reader = new ProxyHeaderReader();
  let result: ProxyHeaderRead = { state: 'more' };
  for (const piece of pieces) {
    if (result.state !== 'more') throw new Error('it was over before its end');
    result = reader.push(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece);
  }
  return result;
}

/** Cuts bytes at random places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [...new Set(places.map((place) => place % bytes.length))].filter((n) => n > 0).toSorted((a, b) => a - b);
  return [0, ...at].map((from, n) => bytes.subarray(from, at[n] ?? bytes.length));
}

const ports = fc.integer({ min: 0, max: 65_535 });
const four = fc.uint8Array({ minLength: 4, maxLength: 4 });
const sixteen = fc.uint8Array({ minLength: 16, maxLength: 16 });
const places = fc.array(fc.nat(600), { maxLength: 20 });
const rests = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));

function textOf(sixteenBytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, n) =>
    (((sixteenBytes[2 * n] ?? 0) << 8) | (sixteenBytes[2 * n + 1] ?? 0)).toString(16),
  );
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
}

/** Fed piece by piece, it takes what comes after its end as the rest, in whatever pieces the header came. */
function readCut(header: Buffer, rest: Buffer, cuts: readonly number[]): ProxyHeaderRead {
  const reader = new ProxyHeaderReader();
  const pieces = cut(header, cuts);
  const last = pieces.pop() ?? Buffer.alloc(0);
  for (const piece of pieces) expect(reader.push(piece)).toEqual({ state: 'more' });
  return reader.push(Buffer.concat([last, rest]));
}

describe('version 1', () => {
  test('gives the source of TCP4 and TCP6, whatever the pieces', () => {
    fc.assert(
      fc.property(four, sixteen, fc.boolean(), ports, ports, rests, places, (v4, v6, is6, from, to, rest, cuts) => {
        const address = is6 ? textOf(v6) : v4.join('.');
        const line = Buffer.from(`PROXY ${is6 ? 'TCP6' : 'TCP4'} ${address} ${address} ${from} ${to}\r\n`);
        const done = readCut(line, rest, cuts);
        if (done.state !== 'done') throw new Error(JSON.stringify(done));
        expect(done.rest).toEqual(rest);
        expect(done.header.destinationPort).toBe(to);
        expect(done.header.source?.port).toBe(from);
        if (!address.startsWith('::ffff:')) expect(done.header.source?.address).toBe(address);
      }),
    );
  });

  test('UNKNOWN says nothing of the visitor, whatever follows it', () => {
    for (const line of ['PROXY UNKNOWN\r\n', 'PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n', 'PROXY UNKNOWN ???\r\n'])
      expect(read(line)).toMatchObject({ state: 'done', header: { source: undefined } });
  });

  test.each([
    'PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n',
    'PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n',
    'PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n',
    'PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n',
    'PROXY TCP4 1.2.3.4 5.6.7.8 1 -2\r\n',
    'PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n',
    'PROXY TCP4 1.2.3.04 5.6.7.8 1 2\r\n',
    'PROXY TCP4 ::1 ::2 1 2\r\n',
    'PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n',
    'PROXY TCP6 fe80::1%eth0 ::2 1 2\r\n',
    'PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n',
    'PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n\r\n',
    'PROXY \r\n',
    'PROXY TCP4 1.2.3.4\0 5.6.7.8 1 2\r\n',
    `PROXY UNKNOWN ${'x'.repeat(100)}`,
    'proxy TCP4 1.2.3.4 5.6.7.8 1 2\r\n',
    'GET / HTTP/1.1\r\n',
  ])('refuses %j', (text) => {
    expect(read(text)).toMatchObject({ state: 'bad' });
  });

  test('the longest line is 107 bytes', () => {
    const longest = `PROXY UNKNOWN ${'f'.repeat(91)}\r\n`;
    expect(longest).toHaveLength(107);
    expect(read(longest)).toMatchObject({ state: 'done' });
    expect(read(`PROXY UNKNOWN ${'f'.repeat(92)}\r\n`)).toMatchObject({ state: 'bad' });
  });
});

describe('version 2', () => {
  test('gives the source of TCP over IPv4 and IPv6 and skips TLVs, whatever the pieces', () => {
    const tlvs = fc.uint8Array({ maxLength: 300 });
    fc.assert(
      fc.property(
        sixteen,
        fc.boolean(),
        ports,
        ports,
        tlvs,
        rests,
        places,
        (bytes, is6, from, to, more, rest, cuts) => {
          const address = Buffer.from(is6 ? bytes : bytes.subarray(0, 4));
          const numbers = Buffer.alloc(4);
          numbers.writeUInt16BE(from, 0);
          numbers.writeUInt16BE(to, 2);
          const done = readCut(
            binary(0x21, is6 ? 0x21 : 0x11, Buffer.concat([address, address, numbers, more])),
            rest,
            cuts,
          );
          if (done.state !== 'done') throw new Error(JSON.stringify(done));
          expect(done.rest).toEqual(rest);
          expect(done.header.source?.port).toBe(from);
          expect(done.header.destinationPort).toBe(to);
          const text = is6 ? textOf(bytes) : address.join('.');
          if (!text.startsWith('::ffff:')) expect(done.header.source?.address).toBe(text);
        },
      ),
    );
  });

  test('an IPv4 address in its IPv6 form is the IPv4 address', () => {
    const mapped = Buffer.concat([Buffer.alloc(10), Buffer.from([255, 255, 10, 1, 2, 3])]);
    const body = Buffer.concat([mapped, mapped, Buffer.alloc(4)]);
    expect(read(binary(0x21, 0x21, body))).toMatchObject({ header: { source: { address: '10.1.2.3' } } });
    expect(read('PROXY TCP6 ::ffff:10.1.2.3 ::1 1 2\r\n')).toMatchObject({
      header: { source: { address: '10.1.2.3' } },
    });
    expect(read('PROXY TCP6 ::FFFF:A01:203 ::1 1 2\r\n')).toMatchObject({
      header: { source: { address: '10.1.2.3' } },
    });
  });

  test('LOCAL, UNSPEC, UNIX and datagrams say nothing of the visitor', () => {
    const body = Buffer.alloc(12, 7);
    for (const header of [
      binary(0x20, 0x00, Buffer.alloc(0)),
      binary(0x20, 0x11, body),
      binary(0x21, 0x00, body),
      binary(0x21, 0x31, Buffer.alloc(216)),
      binary(0x21, 0x12, body),
    ])
      expect(read(Buffer.concat([header, Buffer.from('GET')]))).toMatchObject({
        state: 'done',
        header: { source: undefined },
      });
  });

  test('refuses what has no meaning and what is too long', () => {
    const body = Buffer.alloc(36);
    for (const header of [
      binary(0x11, 0x11, body),
      binary(0x31, 0x11, body),
      binary(0x22, 0x11, body),
      binary(0x21, 0x41, body),
      binary(0x21, 0x13, body),
      binary(0x21, 0x11, Buffer.alloc(11)),
      binary(0x21, 0x21, Buffer.alloc(35)),
      binary(0x21, 0x11, Buffer.alloc(0), 4097),
      Buffer.concat([SIGNATURE.subarray(0, 11), Buffer.from('X')]),
    ])
      expect(read(header)).toMatchObject({ state: 'bad' });
  });
});

test('no bytes make it throw, and it never waits for more than it may', () => {
  const start = fc.constantFrom(SIGNATURE, Buffer.from('PROXY '), Buffer.from('PROXY TCP6 '), Buffer.alloc(0));
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 200 }), (prefix, bytes) => {
      const reader = new ProxyHeaderReader();
      let state = reader.push(Buffer.concat([prefix, bytes])).state;
      for (let fed = 0; state === 'more'; fed += 256) {
        expect(fed).toBeLessThan(5_000);
        state = reader.push(Buffer.alloc(256, 0x20)).state;
      }
    }),
  );
});

test('addresses of one /64 count as one, IPv4 addresses each for themselves', () => {
  expect(addressGroup('10.0.0.1')).toBe('10.0.0.1');
  expect(addressGroup('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64');
  expect(addressGroup('2001:db8::1')).toBe('2001:db8:0:0::/64');
  expect(addressGroup('2001:0db8:0:0::9')).toBe(addressGroup('2001:db8::1'));
  expect(addressGroup('::1')).toBe('0:0:0:0::/64');
  expect(addressGroup('1:2:3::7:8:9:a')).toBe('1:2:3:0::/64');
  expect(addressGroup('1::4:5:6:7:8:9')).toBe('1:0:4:5::/64');
});
