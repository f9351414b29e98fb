import type { Headers } from '../../recorder/exchange-record.ts';

/** The first value of this lower-case name. */
export function headerValue(headers: Headers, lowerName: string): string | undefined {
  for (const [name, value] of headers)
    if (name.length === lowerName.length && name.toLowerCase() === lowerName) return value;
  return undefined;
}
