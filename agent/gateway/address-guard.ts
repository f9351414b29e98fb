import { lookup } from 'node:dns';
import { BlockList, isIP } from 'node:net';
import type { LookupFunction } from 'node:net';
import { AgentError } from '../errors.ts';

/**
 * Link-local addresses lead to the metadata services of clouds, never to an upstream, and multicast to nobody. The single
 * addresses are metadata services elsewhere: of Alibaba, Azure, Oracle, AWS (two) and Google. The networks that end in
 * a9fe are 169.254/16 by way of NAT64 (RFC 6052) and 6to4 (RFC 3056).
 */
const refused = new BlockList();
refused.addSubnet('169.254.0.0', 16, 'ipv4');
refused.addSubnet('224.0.0.0', 4, 'ipv4');
for (const address of ['100.100.100.200', '168.63.129.16', '192.0.0.192']) refused.addAddress(address, 'ipv4');
refused.addSubnet('fe80::', 10, 'ipv6');
refused.addSubnet('ff00::', 8, 'ipv6');
for (const address of ['fd00:ec2::254', 'fd00:ec2::23', 'fd20:ce::254']) refused.addAddress(address, 'ipv6');
refused.addSubnet('64:ff9b::a9fe:0', 112, 'ipv6');
refused.addSubnet('2002:a9fe::', 32, 'ipv6');

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
