import { BlockList, isIP } from 'node:net';

/**
 * Addresses and networks (CIDR), as Go's `net` compares them: an IPv4 address within IPv6 is the IPv4 address, and a network of
 * IPv6 that is larger than all of IPv4 (`::/0`) holds none of it. What is no address is in no set.
 */
export function addressSet(ranges: readonly string[]): (address: string) => boolean {
  // One list would not do: it compares IPv4 with networks of IPv6 too.
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const range of ranges) {
    const [text = '', bits] = range.split('/');
    const { address, family, within } = plainAddress(text);
    if (family === undefined) continue;
    if (bits === undefined) lists[family].addAddress(address, family);
    else if (Number(bits) >= within) lists[family].addSubnet(address, Number(bits) - within, family);
    else lists.ipv6.addSubnet(text, Number(bits), 'ipv6');
  }
  return (text) => {
    const { address, family } = plainAddress(text);
    return family !== undefined && lists[family].check(address, family);
  };
}

interface PlainAddress {
  readonly address: string;
  readonly family: 'ipv4' | 'ipv6' | undefined;
  /** Bits of IPv6 in front of an IPv4 address. */
  readonly within: number;
}

function plainAddress(text: string): PlainAddress {
  const version = isIP(text);
  if (version !== 6) return { address: text, family: version === 4 ? 'ipv4' : undefined, within: 0 };
  const address = text.replace(/%.*$/, '');
  const groups = addressGroups(address);
  const mapped = groups?.slice(0, 5).every((group) => group === 0) === true && groups[5] === 0xffff;
  if (!mapped) return { address, family: 'ipv6', within: 0 };
  const bytes = groups.slice(6).flatMap((group) => [group >> 8, group & 0xff]);
  return { address: bytes.join('.'), family: 'ipv4', within: 96 };
}

/** The eight numbers of an IPv6 address without a zone; undefined when it is none. */
export function addressGroups(address: string): number[] | undefined {
  if (!URL.canParse(`http://[${address}]`)) return undefined;
  const [left = '', right] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const read = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  const head = read(left);
  if (right === undefined) return head;
  const tail = read(right);
  return [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => 0), ...tail];
}
