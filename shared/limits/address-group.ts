/** IPv4 addresses as such, also when the listener is a dual-stack one. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return 'unknown';
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

/** Whoever has IPv6 has a /64 at least: its addresses count as one. IPv4 as it is. */
export function addressGroup(address: string): string {
  if (!address.includes(':')) return address;
  const [before = '', after] = address.split('::');
  const groups = before === '' ? [] : before.split(':');
  const last = after === undefined || after === '' ? 0 : after.split(':').length;
  // What `::` stands for, as far as it belongs to the first half.
  while (after !== undefined && groups.length < Math.min(4, 8 - last)) groups.push('0');
  if (after !== undefined && groups.length < 4) groups.push(...after.split(':'));
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
