import { describe, expect, test } from 'vitest';
import { HeaderList } from '../shared/http1/header-list.ts';
import { BrokerOptionsError } from './errors.ts';
import { forwardedElement, readForwarding } from './forwarding.ts';
import { TrustedAddresses } from './trusted-addresses.ts';

const trusted = new TrustedAddresses(['10.0.0.0/8', 'fd00::/8', '192.0.2.7']);

function client(headers: readonly (readonly [string, string])[], peer = '10.0.0.1'): string {
  return readForwarding(new HeaderList(headers), peer, trusted).client;
}

describe('trusted addresses', () => {
  test('hold ranges of both families, and IPv4 in its IPv6 form', () => {
    for (const inside of ['10.255.1.2', '::ffff:10.1.2.3', '::ffff:a01:203', 'fdff::1', '192.0.2.7'])
      expect(trusted.has(inside), inside).toBe(true);
    for (const outside of ['11.0.0.1', '::ffff:11.0.0.1', 'fe80::1', '192.0.2.8', '::1', 'unknown', ''])
      expect(trusted.has(outside), outside).toBe(false);
    expect(new TrustedAddresses(['::ffff:10.0.0.0/104']).has('10.9.9.9')).toBe(true);
    expect(new TrustedAddresses([]).has('10.0.0.1')).toBe(false);
  });

  test.each([
    '',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/08',
    '10.0.0/8',
    'fd00::/129',
    'fe80::1%eth0',
    'localhost',
    '*',
  ])('%j is no range', (text) => {
    expect(() => new TrustedAddresses([text])).toThrow(BrokerOptionsError);
  });
});

describe('the visitor is the last address that is no proxy of ours', () => {
  test.each([
    [[], '10.0.0.1'],
    [[['X-Forwarded-For', '203.0.113.5']], '203.0.113.5'],
    [[['X-Forwarded-For', '6.6.6.6, 203.0.113.5']], '203.0.113.5'],
    [[['X-Forwarded-For', '6.6.6.6, 203.0.113.5, 10.9.9.9,192.0.2.7']], '203.0.113.5'],
    [
      [
        ['X-Forwarded-For', '6.6.6.6'],
        ['x-forwarded-for', '203.0.113.5'],
      ],
      '203.0.113.5',
    ],
    [[['X-Forwarded-For', '10.3.3.3, 10.2.2.2']], '10.3.3.3'],
    [[['X-Forwarded-For', '6.6.6.6, unknown']], '10.0.0.1'],
    [[['X-Forwarded-For', '6.6.6.6, , 10.2.2.2']], '10.2.2.2'],
    [[['X-Forwarded-For', '203.0.113.5:4711']], '203.0.113.5'],
    [[['X-Forwarded-For', '[2001:db8::1]:4711']], '2001:db8::1'],
    [[['X-Forwarded-For', '2001:db8::1']], '2001:db8::1'],
    [[['X-Forwarded-For', '::ffff:203.0.113.5']], '203.0.113.5'],
    [[['Forwarded', 'for=6.6.6.6, for="[2001:db8::1]:80";proto=https']], '2001:db8::1'],
    [[['Forwarded', 'for="6.6.6.6, for=7.7.7.7";by=x, FOR=203.0.113.5']], '203.0.113.5'],
    [[['Forwarded', 'for=_hidden']], '10.0.0.1'],
    [
      [
        ['Forwarded', 'for=6.6.6.6'],
        ['X-Forwarded-For', '203.0.113.5'],
      ],
      '203.0.113.5',
    ],
  ] as const)('%j', (headers, expected) => {
    expect(client(headers)).toBe(expected);
  });
});

test('only values that mean something are kept', () => {
  const read = (headers: readonly (readonly [string, string])[]) =>
    readForwarding(new HeaderList(headers), '10.0.0.1', trusted);
  expect(read([['X-Forwarded-Proto', ' HTTPS ']]).proto).toBe('https');
  expect(read([['X-Forwarded-Proto', 'gopher']]).proto).toBeUndefined();
  expect(read([['Forwarded', 'for=1.2.3.4;proto=https']]).proto).toBe('https');
  expect(read([['X-Forwarded-Port', '8443']]).port).toBe('8443');
  expect(read([['X-Forwarded-Port', '0x50']]).port).toBeUndefined();
  expect(read([['X-Forwarded-Host', 'shop.example']]).host).toBe('shop.example');
});

test('an element for Forwarded quotes what needs it', () => {
  expect(forwardedElement('203.0.113.5', 'http', 'a:80')).toBe('for=203.0.113.5;proto=http;host="a:80"');
  expect(forwardedElement('2001:db8::1', 'https', 'a"b')).toBe('for="[2001:db8::1]";proto=https;host="a\\"b"');
});
