import { Http1Error } from './errors.ts';
import { lowerName } from './field-name.ts';
import { listHas } from './header-list.ts';
import type { HeaderList, HeaderPair } from './header-list.ts';
import type { HttpVersion, RequestFraming, ResponseFraming } from './message-head.ts';

/** What the headers that matter for framing and connection say; each refused combination throws `Http1Error`. */
export interface FramingHeaders {
  readonly length: number | undefined;
  readonly chunked: boolean;
  readonly host: string | undefined;
  readonly keepAlive: boolean;
  readonly upgrade: boolean;
  readonly expectContinue: boolean;
}

/** Reads the framing of the messages of one connection; fields that are the very same array were read before. */
export class FramingReader {
  #pairs: readonly HeaderPair[] | undefined;
  #version: HttpVersion = '1.1';
  #read: FramingHeaders | undefined;

  of(headers: HeaderList, version: HttpVersion): FramingHeaders {
    const { pairs } = headers;
    if (this.#read === undefined || pairs !== this.#pairs || version !== this.#version) {
      this.#read = readFramingHeaders(headers, version);
      this.#pairs = pairs;
      this.#version = version;
    }
    return this.#read;
  }
}

/** Reads them in one pass over the list (RFC 9112 §6.1–6.3, §9.3; RFC 9110 §7.2, §7.8, §10.1.1). */
function readFramingHeaders(headers: HeaderList, version: HttpVersion): FramingHeaders {
  let length: number | undefined;
  let chunked = false;
  let host: string | undefined;
  let close = false;
  let persist = version === '1.1';
  let upgradeNamed = false;
  let upgradeGiven = false;
  let expectContinue = false;
  for (const [name, value] of headers.pairs) {
    switch (name.length) {
      case 4:
        if (lowerName(name) === 'host') {
          if (host !== undefined) throw new Http1Error('http1.several-hosts');
          host = value;
        }
        break;
      case 6:
        if (lowerName(name) === 'expect') expectContinue = version === '1.1' && value.toLowerCase() === '100-continue';
        break;
      case 7:
        if (lowerName(name) === 'upgrade') upgradeGiven ||= value !== '';
        break;
      case 10:
        if (lowerName(name) === 'connection') {
          if (listHas(value, 'close')) close = true;
          if (listHas(value, 'keep-alive')) persist = true;
          if (listHas(value, 'upgrade')) upgradeNamed = true;
        }
        break;
      case 14:
        if (lowerName(name) === 'content-length') {
          if (length !== undefined) throw new Http1Error('http1.several-lengths');
          length = parseLength(value);
        }
        break;
      case 17:
        if (lowerName(name) === 'transfer-encoding') {
          if (version === '1.0') throw new Http1Error('http1.encoding-in-1.0');
          if (chunked || value.toLowerCase() !== 'chunked') throw new Http1Error('http1.bad-encoding');
          chunked = true;
        }
        break;
      default:
    }
  }
  if (chunked && length !== undefined) throw new Http1Error('http1.length-and-encoding');
  return {
    length,
    chunked,
    host,
    keepAlive: persist && !close,
    upgrade: upgradeNamed && upgradeGiven && version === '1.1',
    expectContinue,
  };
}

/** Fifteen digits stay exact in a double. */
const MAX_LENGTH_DIGITS = 15;

function parseLength(value: string): number {
  if (value.length === 0 || value.length > MAX_LENGTH_DIGITS) throw new Http1Error('http1.bad-length');
  let length = 0;
  for (let at = 0; at < value.length; at += 1) {
    const digit = value.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) throw new Http1Error('http1.bad-length');
    length = length * 10 + digit;
  }
  return length;
}

const NONE = { kind: 'none' } as const;
const CHUNKED = { kind: 'chunked' } as const;
const UPGRADE = { kind: 'upgrade' } as const;
const UNTIL_CLOSE = { kind: 'until-close' } as const;

export function requestFraming(method: string, read: FramingHeaders): RequestFraming {
  const body = read.chunked || (read.length !== undefined && read.length > 0);
  if (method === 'CONNECT') {
    if (body) throw new Http1Error('http1.body-not-allowed');
    return UPGRADE;
  }
  if (read.chunked) return CHUNKED;
  if (read.upgrade && !body) return UPGRADE;
  return read.length === undefined ? NONE : { kind: 'length', length: read.length };
}

/** RFC 9112 §6.3 in its order. */
export function responseFraming(requestMethod: string, status: number, read: FramingHeaders): ResponseFraming {
  if (status === 101) return UPGRADE;
  if (status < 200 || status === 204 || status === 304 || requestMethod === 'HEAD') return NONE;
  if (requestMethod === 'CONNECT' && status < 300) return UPGRADE;
  if (read.chunked) return CHUNKED;
  return read.length === undefined ? UNTIL_CLOSE : { kind: 'length', length: read.length };
}
