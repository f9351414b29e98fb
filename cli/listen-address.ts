import { InvalidArgumentError, Option } from 'commander';

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** `HOST:PORT`, `[IPV6]:PORT` or `:PORT` (loopback); port 0 is any free one. */
export function listenAddress(text: string): ListenAddress {
  const cut = text.lastIndexOf(':');
  const host = text.slice(0, Math.max(cut, 0)).replace(/^\[(.*)\]$/, '$1');
  const port = Number(text.slice(cut + 1));
  if (cut < 0 || !Number.isInteger(port) || port < 0 || port > 65_535 || text.slice(cut + 1) === '') {
    throw new InvalidArgumentError('use HOST:PORT, with a port from 0 (any free one) to 65535.');
  }
  return { host: host === '' ? '127.0.0.1' : host, port };
}

const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|::1|localhost)$/;

/** The same for what only this machine may reach. */
export function loopbackAddress(text: string): ListenAddress {
  const address = listenAddress(text);
  if (!LOOPBACK.test(address.host))
    throw new InvalidArgumentError('only this machine may reach it: use 127.0.0.1, [::1] or localhost.');
  return address;
}

/** An option for a listener; `byDefault` is told as it would be given. */
export function listenOption(flags: string, description: string, byDefault: string, parse = listenAddress): Option {
  return new Option(flags, description).argParser(parse).default(parse(byDefault), byDefault);
}
