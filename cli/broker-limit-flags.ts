import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import type { BrokerLimits } from '../broker/index.ts';

interface LimitFlag {
  readonly flag: string;
  readonly about: string;
  readonly limit: keyof BrokerLimits;
  /** What the limit counts in one unit of the flag. */
  readonly unit?: number;
  readonly least: number;
  readonly most: number;
}

const MANY = 1_000_000;

/** The defaults are said here for `--help` and stand in `broker/options.ts`. */
const FLAGS: readonly LimitFlag[] = [
  {
    flag: '--max-connections <n>',
    about: 'open connections of all visitors (20000)',
    limit: 'maxConnections',
    least: 1,
    most: MANY,
  },
  {
    flag: '--address-connections <n>',
    about: 'open connections of one address (1024; 4096 on loopback)',
    limit: 'maxConnectionsPerAddress',
    least: 1,
    most: MANY,
  },
  {
    flag: '--address-requests <n>',
    about: 'requests a second of one address, 0 for any (1000; any on loopback)',
    limit: 'requestsPerSecondPerAddress',
    least: 0,
    most: MANY,
  },
  {
    flag: '--address-request-burst <n>',
    about: 'requests of one address at once (2000)',
    limit: 'requestBurstPerAddress',
    least: 1,
    most: MANY,
  },
  {
    flag: '--address-handshakes <n>',
    about: 'TLS handshakes a second of one address, 0 for any (100; any on loopback)',
    limit: 'tlsHandshakesPerSecondPerAddress',
    least: 0,
    most: MANY,
  },
  {
    flag: '--address-handshake-burst <n>',
    about: 'TLS handshakes of one address at once (500)',
    limit: 'tlsHandshakeBurstPerAddress',
    least: 1,
    most: MANY,
  },
  {
    flag: '--head-timeout <seconds>',
    about: 'for a whole request head, a TLS handshake, a PROXY header (10)',
    limit: 'headTimeoutMs',
    unit: 1_000,
    least: 1,
    most: 600,
  },
  {
    flag: '--body-timeout <seconds>',
    about: 'without a byte of a request body (60)',
    limit: 'bodyIdleTimeoutMs',
    unit: 1_000,
    least: 1,
    most: 3_600,
  },
  {
    flag: '--body-floor <bytes>',
    about: 'a second, that a body must move while it is waited for, 0 for any (240)',
    limit: 'bodyFloorBytes',
    least: 0,
    most: MANY,
  },
  {
    flag: '--max-target <bytes>',
    about: 'of a request target (8192)',
    limit: 'maxTargetBytes',
    least: 256,
    most: 65_536,
  },
  {
    flag: '--max-head <bytes>',
    about: 'of a request head (32768)',
    limit: 'maxHeadBytes',
    least: 1_024,
    most: 262_144,
  },
  { flag: '--max-headers <n>', about: 'lines of a request head (128)', limit: 'maxHeaders', least: 8, most: 1_024 },
];

export function addLimitFlags(command: Command): Command {
  for (const { flag, about, unit = 1, least, most } of FLAGS) {
    const parse = (text: string): number => {
      const value = Number(text);
      if (text.trim() === '' || !Number.isInteger(value) || value < least || value > most)
        throw new InvalidArgumentError(`use a whole number from ${least} to ${most}.`);
      return value * unit;
    };
    command.addOption(new Option(flag, about).argParser(parse));
  }
  return command;
}

/** The limits that were given; `flags` is what commander made of the command line. */
export function limitsOf(flags: Readonly<Record<string, unknown>>): Partial<BrokerLimits> {
  const limits: { -readonly [name in keyof BrokerLimits]?: number } = {};
  for (const { flag, limit } of FLAGS) {
    const value = flags[new Option(flag).attributeName()];
    if (typeof value === 'number') limits[limit] = value;
  }
  // A rate of one's own on loopback, where no burst is set: a second of it.
  if (limits.requestsPerSecondPerAddress !== undefined)
    limits.requestBurstPerAddress ??= limits.requestsPerSecondPerAddress;
  if (limits.tlsHandshakesPerSecondPerAddress !== undefined)
    limits.tlsHandshakeBurstPerAddress ??= limits.tlsHandshakesPerSecondPerAddress;
  return limits;
}
