import { lookup } from 'node:dns';
import { BlockList, isIP } from 'node:net';
import type { LookupFunction } from 'node:net';
import { AgentError } from '../errors.ts';

/**
 * Link-local addresses lead to the metadata services of clouds, never to an upstream. 0.0.0.0/8 and multicast are no
 * destinations either; fd00:ec2::254 and 100.100.100.200 are metadata services outside the link-local range.
 */
const refused = new BlockList();
refused.addSubnet('169.254.0.0', 16, 'ipv4');
refused.addSubnet('224.0.0.0', 4, 'ipv4');
refused.addAddress('100.100.100.200', 'ipv4');
refused.addSubnet('fe80::', 10, 'ipv6');
refused.addSubnet('ff00::', 8, 'ipv6');
refused.addAddress('fd00:ec2::254', 'ipv6');

export function isRefusedAddress(address: string): boolean {
  const bare = address.split('%', 1)[0] ?? address;
  const version = isIP(bare);
  if (version === 0) return true;
  // BlockList checks IPv4-mapped IPv6 addresses against the IPv4 rules.
  return refused.check(bare, version === 6 ? 'ipv6' : 'ipv4');
}

/** For `net.connect`: the address that is checked is the one that is dialled, so a second DNS answer cannot differ. */
export const guardedLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) {
      callback(error, []);
      return;
    }
    const allowed = addresses.filter(({ address }) => !isRefusedAddress(address));
    const first = allowed[0];
    if (first === undefined) {
      callback(
        new AgentError('upstream-refused', `${hostname} leads to ${addresses.map((a) => a.address).join(', ')}.`),
        [],
      );
    } else if (options.all === true) {
      callback(null, allowed);
    } else {
      callback(null, first.address, first.family);
    }
  });
};
