import { isIP } from 'node:net';
import type { AddressStrategy, CallerSource } from '../../gateway/middleware.ts';
import { fields, flag, integer, text, texts, type Fields } from '../field.ts';
import type { FieldPath } from '../field-path.ts';
import type { Reader, Reading } from './middleware-reading.ts';

/** Types of Middleware that look at who calls, and how much. */
export const limitReaders: Readonly<Record<string, Reader>> = {
  rateLimit(reading) {
    const { spec, source } = reading;
    const caller = callerOf(reading, { kind: 'address', strategy: { kind: 'peer' } });
    const period = reading.duration('period', 1000);
    if (caller === undefined || period === undefined) return undefined;
    if (period < 0) return reading.refuse(['period'], 'the period is negative');
    if (Object.hasOwn(spec, 'redis'))
      reading.leftOut(['redis'], 'this agent counts by itself, and not together with others in Redis');
    const burst = Math.max(1, integer(spec['burst']) ?? 1);
    const average = Math.max(0, integer(spec['average']) ?? 0);
    return [{ kind: 'rate-limit', source, average, periodMs: period === 0 ? 1000 : period, burst, caller }];
  },
  inFlightReq(reading) {
    const caller = callerOf(reading, { kind: 'host' });
    if (caller === undefined) return undefined;
    return [{ kind: 'in-flight-req', source: reading.source, amount: integer(reading.spec['amount']) ?? 0, caller }];
  },
  ipAllowList: (reading) => allowList(reading, integer(reading.spec['rejectStatusCode']) ?? 0),
  ipWhiteList: (reading) => allowList(reading, 0),
};

function allowList(reading: Reading, status: number): ReturnType<Reader> {
  const { spec, source } = reading;
  const ranges = texts(spec['sourceRange']);
  if (ranges.length === 0) return reading.refuse(['sourceRange'], 'no network is given');
  if (badRange(reading, ['sourceRange'], ranges)) return undefined;
  if (status !== 0 && !STATUSES.has(status))
    return reading.refuse(['rejectStatusCode'], `${status} is not a status of HTTP`);
  const strategy = strategyOf(reading, ['ipStrategy'], spec['ipStrategy']);
  if (strategy === undefined) return undefined;
  return [{ kind: 'ip-allow-list', source, ranges, strategy, rejectStatus: status === 0 ? 403 : status }];
}

function callerOf(reading: Reading, absent: CallerSource): CallerSource | undefined {
  const criterion = fields(reading.spec, 'sourceCriterion');
  const name = text(criterion['requestHeaderName']) ?? '';
  const host = flag(criterion['requestHost']) === true;
  const byAddress = Object.hasOwn(criterion, 'ipStrategy') && criterion['ipStrategy'] !== null;
  if ([byAddress, name !== '', host].filter(Boolean).length > 1)
    return reading.refuse(['sourceCriterion'], 'only one of ipStrategy, requestHeaderName and requestHost may be set');
  if (host) return { kind: 'host' };
  if (name !== '') return { kind: 'header', name };
  if (!byAddress) return absent;
  const strategy = strategyOf(reading, ['sourceCriterion', 'ipStrategy'], criterion['ipStrategy']);
  return strategy === undefined ? undefined : { kind: 'address', strategy };
}

function strategyOf(reading: Reading, path: FieldPath, value: unknown): AddressStrategy | undefined {
  const strategy: Fields = fields(value);
  const depth = integer(strategy['depth']) ?? 0;
  const addresses = texts(strategy['excludedIPs']);
  const subnet = integer(strategy['ipv6Subnet']);
  const bad = subnet !== undefined && (subnet <= 0 || subnet > 128);
  const forwarded = 'X-Forwarded-For holds nothing here unless the broker trusts the proxy that sends it (`--trust`)';
  if (depth > 0) reading.leftOut([...path, 'depth'], forwarded, 'info');
  if (depth <= 0 && addresses.length > 0) {
    if (badRange(reading, [...path, 'excludedIPs'], addresses)) return undefined;
    reading.leftOut([...path, 'excludedIPs'], forwarded, 'info');
    return { kind: 'excluded', addresses };
  }
  if (bad) return reading.refuse([...path, 'ipv6Subnet'], `${subnet} is not from 1 to 128`);
  return depth > 0 ? { kind: 'depth', depth, ipv6Subnet: subnet } : { kind: 'peer', ipv6Subnet: subnet };
}

function badRange(reading: Reading, path: FieldPath, ranges: readonly string[]): boolean {
  const at = ranges.findIndex((range) => !isRange(range));
  if (at < 0) return false;
  reading.refuse([...path, at], `${JSON.stringify(ranges[at])} is neither an address nor a network`);
  return true;
}

function isRange(range: string): boolean {
  const [address = '', bits, ...rest] = range.split('/');
  const family = isIP(address);
  if (family === 0 || address.includes('%') || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

/** Those that Go has words for. */
const STATUSES: ReadonlySet<number> = new Set([
  100, 101, 102, 103, 200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 300, 301, 302, 303, 304, 305, 307, 308, 400, 401,
  402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 421, 422, 423, 424, 425, 426, 428,
  429, 431, 451, 500, 501, 502, 503, 504, 505, 506, 507, 508, 510, 511,
]); // prettier-ignore
