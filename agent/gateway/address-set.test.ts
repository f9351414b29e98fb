import { expect, test } from 'vitest';
import { addressSet } from './address-set.ts';

/** Each line was asked of Go's `net.ParseCIDR`, `net.IPNet.Contains` and `net.IP.Equal`. */
test.each<[string, string, boolean]>([
  ['10.0.0.0/8', '10.1.2.3', true],
  ['10.0.0.0/8', '11.1.2.3', false],
  ['10.0.0.0/8', '::ffff:10.1.2.3', true],
  ['10.0.0.0/8', '::ffff:a01:203', true],
  ['10.1.2.3', '::ffff:10.1.2.3', true],
  ['::ffff:10.1.2.3', '10.1.2.3', true],
  ['::ffff:10.0.0.0/104', '10.1.2.3', true],
  ['::ffff:a00:0/104', '10.1.2.3', true],
  ['::ffff:10.0.0.0/95', '10.1.2.3', false],
  ['::ffff:0.0.0.0/96', '10.1.2.3', true],
  ['::/0', '10.1.2.3', false],
  ['::/1', '10.1.2.3', false],
  ['::/0', '2001:db8::1', true],
  ['0.0.0.0/0', '10.1.2.3', true],
  ['0.0.0.0/0', '2001:db8::1', false],
  ['2001:db8::/32', '2001:db8::1', true],
  ['2001:db8::/32', '2001:DB8:0:0::1', true],
  ['fe80::/10', 'fe80::1%eth0', true],
  ['10.0.0.0/8', 'ten', false],
])('%s has %s: %s', (range, address, has) => {
  expect(addressSet([range])(address)).toBe(has);
});
