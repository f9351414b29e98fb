import { isIP } from 'node:net';
import type { AddressStrategy, CallerSource } from '../../../shared/gateway/middleware.ts';
import { addressGroups, addressSet } from '../address-set.ts';
import type { OutgoingRequest } from './outgoing-request.ts';

/** The address of a caller, as one of Traefik's strategies finds it; empty when it finds none. */
export function callerAddress(strategy: AddressStrategy): (request: OutgoingRequest) => string {
  switch (strategy.kind) {
    case 'peer': {
      const { ipv6Subnet } = strategy;
      return (request) => inSubnet(request.clientIp, ipv6Subnet);
    }
    case 'depth': {
      const { depth, ipv6Subnet } = strategy;
      return (request) => inSubnet(request.forwardedFor.split(',').at(-depth)?.trim() ?? '', ipv6Subnet);
    }
    case 'excluded': {
      const excluded = addressSet(strategy.addresses);
      return (request) =>
        request.forwardedFor
          .split(',')
          .map((each) => each.trim())
          .findLast((each) => each !== '' && !excluded(each)) ?? '';
    }
  }
}

/** What tells callers apart, as text. */
export function callerKey(source: CallerSource): (request: OutgoingRequest) => string {
  switch (source.kind) {
    case 'address':
      return callerAddress(source.strategy);
    case 'header': {
      const name = source.name.toLowerCase();
      return (request) => request.header(name) ?? '';
    }
    case 'host':
      return (request) => request.host;
  }
}

/** The first address of the subnet that an IPv6 address is in. */
function inSubnet(address: string, bits: number | undefined): string {
  if (bits === undefined || isIP(address) !== 6) return address;
  const groups = addressGroups(address.replace(/%.*$/, ''));
  if (groups === undefined) return address;
  const masked = groups.map((group, at) => {
    const keep = Math.min(16, Math.max(0, bits - at * 16));
    return group & (0xffff << (16 - keep)) & 0xffff;
  });
  return new URL(`http://[${masked.map((group) => group.toString(16)).join(':')}]`).hostname.slice(1, -1);
}
