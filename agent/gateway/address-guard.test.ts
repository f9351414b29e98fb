import { describe, expect, test } from 'vitest';
import { guardedLookup, isRefusedAddress } from './address-guard.ts';
import { upstreamTarget } from './upstream-target.ts';

const METADATA = [
  '169.254.169.254',
  'fe80::1%eth0',
  'fd00:ec2::254',
  'fd00:ec2::23',
  'fd20:ce::254',
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
  '::ffff:169.254.169.254',
  '64:ff9b::169.254.169.254',
  '2002:a9fe:a9fe::1',
];

describe('addresses that are never dialled', () => {
  test.each(METADATA)('%s', (address) => {
    expect(isRefusedAddress(address)).toBe(true);
  });

  test.each(['127.0.0.1', '10.0.0.1', '::1', '192.168.1.1'])('but %s is', (address) => {
    expect(isRefusedAddress(address)).toBe(false);
  });

  test.each(['http://2852039166/', 'http://0xa9.0xfe.0xa9.0xfe/', 'h2c://169.254.169.254:80', 'https://[fe80::1]/'])(
    'however they are written: %s',
    (url) => {
      expect(() => upstreamTarget(url)).toThrow(/is not dialled/);
    },
  );

  test('are left out of what a name leads to', async () => {
    const lookup = (name: string): Promise<string> =>
      new Promise((resolve) =>
        guardedLookup(name, { all: true }, (error, addresses) =>
          resolve(error === null ? JSON.stringify(addresses) : error.message),
        ),
      );
    expect(await lookup('169.254.169.254')).toContain('leads to 169.254.169.254');
    expect(await lookup('localhost')).toMatch(/127\.0\.0\.1|::1/);
  });
});
