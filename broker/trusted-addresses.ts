import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { BrokerOptionsError } from './errors.ts';

/** A set of address ranges. An IPv4 address and its IPv6 form `::ffff:` are the same. */
export class TrustedAddresses {
  readonly #ranges = new BlockList();
  readonly size: number;

  /** Each an address or `ADDRESS/PREFIX`. Throws `BrokerOptionsError`. */
  constructor(ranges: readonly string[]) {
    this.size = ranges.length;
    for (const range of ranges) {
      const parsed = parseRange(range);
      if (parsed === undefined)
        throw new BrokerOptionsError(`trust: ${JSON.stringify(range)} is not an address or ADDRESS/PREFIX`);
      this.#ranges.addSubnet(parsed.address, parsed.prefix, parsed.family);
    }
  }

  has(address: string): boolean {
    if (this.size === 0) return false;
    if (isIPv4(address)) return this.#ranges.check(address, 'ipv4');
    return isIPv6(address) && this.#ranges.check(address, 'ipv6');
  }
}

interface AddressRange {
  readonly address: string;
  readonly prefix: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** Undefined for what is no range. */
function parseRange(text: string): AddressRange | undefined {
  const slash = text.indexOf('/');
  const address = slash < 0 ? text : text.slice(0, slash);
  const family = isIPv4(address) ? 'ipv4' : isIPv6(address) && !address.includes('%') ? 'ipv6' : undefined;
  if (family === undefined) return undefined;
  const bits = family === 'ipv4' ? 32 : 128;
  const digits = slash < 0 ? String(bits) : text.slice(slash + 1);
  const prefix = Number(digits);
  if (String(prefix) !== digits || !Number.isInteger(prefix) || prefix < 0 || prefix > bits) return undefined;
  return { address, prefix, family };
}
