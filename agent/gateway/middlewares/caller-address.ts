import { BlockList, isIP } from 'node:net';
import type { AddressStrategy, CallerSource } from '../../../shared/gateway/middleware.ts';
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

/** Addresses and networks; what is no address is in none. */
export function addressSet(ranges: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', bits] = range.split('/');
    const { text, family } = plainAddress(address);
    if (family === undefined) continue;
    const shift = text === address ? 0 : 96;
    if (bits === undefined) list.addAddress(text, family);
    else list.addSubnet(text, Math.max(0, Number(bits) - shift), family);
  }
  return (address) => {
    const { text, family } = plainAddress(address);
    return family !== undefined && list.check(text, family);
  };
}

/** An IPv4 address within IPv6 is the IPv4 address. */
function plainAddress(address: string): { text: string; family: 'ipv4' | 'ipv6' | undefined } {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  const text = mapped ?? address;
  const version = isIP(text);
  return { text, family: version === 4 ? 'ipv4' : version === 6 ? 'ipv6' : undefined };
}

/** The first address of the subnet that an IPv6 address is in. */
function inSubnet(address: string, bits: number | undefined): string {
  if (bits === undefined || isIP(address) !== 6) return address;
  const groups = groupsOf(address.replace(/%.*$/, ''));
  if (groups === undefined) return address;
  const masked = groups.map((group, at) => {
    const keep = Math.min(16, Math.max(0, bits - at * 16));
    return group & (0xffff << (16 - keep)) & 0xffff;
  });
  return new URL(`http://[${masked.map((group) => group.toString(16)).join(':')}]`).hostname.slice(1, -1);
}

function groupsOf(address: string): number[] | undefined {
  if (!URL.canParse(`http://[${address}]`)) return undefined;
  const [left = '', right] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const read = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  const head = read(left);
  if (right === undefined) return head;
  const tail = read(right);
  return [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => 0), ...tail];
}
