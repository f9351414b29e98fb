import { Http1Error } from './errors.ts';
import { fieldName, nameHash } from './field-name.ts';
import type { HeaderPair } from './header-list.ts';
import type { HttpVersion } from './message-head.ts';
import { allIn, FIELD_VALUE, HEX, TARGET, TOKEN } from './octets.ts';

/** Lines come as `bytes[start..end)` without their CRLF. The functions throw `Http1Error`; the parser catches once. */

/** Methods of the IANA registry that llhttp knows too: what it refuses, we refuse. */
const METHODS: ReadonlySet<string> = new Set(
  (
    'GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH ACL BIND CHECKOUT COPY LINK LOCK MERGE MKACTIVITY MKCALENDAR MKCOL ' +
    'MOVE PROPFIND PROPPATCH QUERY REBIND REPORT SEARCH UNBIND UNLINK UNLOCK'
  ).split(' '),
);

const SP = 0x20;
const HTAB = 0x09;
const TRANSFER_ENCODING = 'transfer-encoding';
const COLON = 0x3a;

export interface RequestLine {
  readonly method: string;
  readonly target: string;
  readonly version: HttpVersion;
}

/** `METHOD SP TARGET SP HTTP/1.x` with exactly one space between (RFC 9112 §3). */
export function parseRequestLine(line: Buffer, start: number, end: number, maxTargetBytes: number): RequestLine {
  const methodEnd = line.indexOf(SP, start);
  if (methodEnd < 0 || methodEnd >= end) throw new Http1Error('http1.bad-start-line');
  const method = line.toString('latin1', start, methodEnd);
  if (!METHODS.has(method)) throw new Http1Error('http1.bad-method');
  const targetEnd = line.indexOf(SP, methodEnd + 1);
  if (targetEnd < 0 || targetEnd >= end) throw new Http1Error('http1.bad-start-line');
  const version = parseVersion(line, targetEnd + 1, end);
  if (targetEnd - methodEnd - 1 > maxTargetBytes) throw new Http1Error('http1.target-too-long');
  if (targetEnd === methodEnd + 1 || !allIn(TARGET, line, methodEnd + 1, targetEnd))
    throw new Http1Error('http1.bad-target');
  const target = line.toString('latin1', methodEnd + 1, targetEnd);
  checkTargetForm(method, target);
  return { method, target, version };
}

/** Origin form, absolute form (http and https), `*` for OPTIONS only, authority form for CONNECT only (RFC 9112 §3.2). */
function checkTargetForm(method: string, target: string): void {
  if (method === 'CONNECT') {
    if (target.includes('/') || target.includes('?') || target.includes('@') || !target.includes(':'))
      throw new Http1Error('http1.bad-target');
    return;
  }
  if (target.charCodeAt(0) === 0x2f) return;
  if (target === '*' && method === 'OPTIONS') return;
  const scheme = target.slice(0, 8).toLowerCase();
  const hostAt = scheme === 'https://' ? 8 : scheme.startsWith('http://') ? 7 : -1;
  const first = target[hostAt];
  if (hostAt < 0 || first === undefined || first === '/' || first === '?') throw new Http1Error('http1.bad-target');
}

function parseVersion(line: Buffer, start: number, end: number): HttpVersion {
  const text = end - start === 8 ? line.toString('latin1', start, end) : '';
  if (text === 'HTTP/1.1') return '1.1';
  if (text === 'HTTP/1.0') return '1.0';
  throw new Http1Error('http1.bad-version');
}

export interface StatusLine {
  readonly version: HttpVersion;
  readonly status: number;
  readonly reason: string;
}

/** `HTTP/1.x SP 3DIGIT [SP REASON]` (RFC 9112 §4); the space before an absent reason may be missing. */
export function parseStatusLine(line: Buffer, start: number, end: number): StatusLine {
  if (end - start < 12 || line[start + 8] !== SP) throw new Http1Error('http1.bad-status-line');
  const version = parseVersion(line, start, start + 8);
  let status = 0;
  for (let at = start + 9; at < start + 12; at += 1) {
    const digit = (line[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) throw new Http1Error('http1.bad-status-line');
    status = status * 10 + digit;
  }
  if (status < 100) throw new Http1Error('http1.bad-status-line');
  if (end === start + 12) return { version, status, reason: '' };
  if (line[start + 12] !== SP) throw new Http1Error('http1.bad-status-line');
  if (!allIn(FIELD_VALUE, line, start + 13, end)) throw new Http1Error('http1.control-character');
  return { version, status, reason: line.toString('latin1', start + 13, end) };
}

/** `NAME ":" OWS VALUE OWS` (RFC 9112 §5); folding and white space before the colon are refused. */
export function parseFieldLine(line: Buffer, start: number, end: number): HeaderPair {
  let at = start;
  let hash = 0;
  for (; at < end; at += 1) {
    const byte = line[at] ?? 0;
    if (TOKEN[byte] !== 1) break;
    hash = nameHash(hash, byte);
  }
  const stop = at < end ? line[at] : undefined;
  if (stop !== COLON || at === start) {
    const blank = stop === SP || stop === HTAB;
    if (blank && at === start) throw new Http1Error('http1.obsolete-fold');
    throw new Http1Error(blank ? 'http1.space-before-colon' : 'http1.bad-header-name');
  }
  const nameEnd = at;
  at += 1;
  let last = end;
  while (at < last && (line[at] === SP || line[at] === HTAB)) at += 1;
  while (last > at && (line[last - 1] === SP || line[last - 1] === HTAB)) last -= 1;
  // RFC 9110 §5.5 takes a tab for white space here, llhttp for a part of the coding: what two read differently is refused.
  if (last < end && line.subarray(last, end).includes(HTAB) && isTransferEncoding(line, start, nameEnd))
    throw new Http1Error('http1.bad-encoding');
  if (!allIn(FIELD_VALUE, line, at, last))
    throw new Http1Error(
      'http1.bad-header-value',
      `of ${line.toString('latin1', start, Math.min(nameEnd, start + 64))}`,
    );
  return [fieldName(line, start, nameEnd, hash), line.toString('latin1', at, last)];
}

function isTransferEncoding(line: Buffer, start: number, end: number): boolean {
  return (
    end - start === TRANSFER_ENCODING.length && line.toString('latin1', start, end).toLowerCase() === TRANSFER_ENCODING
  );
}

/** Twelve digits are 256 TiB: beyond any body, and exact in a double with room to add. */
const MAX_CHUNK_DIGITS = 12;

export interface ChunkLine {
  readonly size: number;
  readonly extensionBytes: number;
}

/** `1*HEXDIG *( ";" token [ "=" ( token / quoted-string ) ] )` without the white space that RFC 9112 §7.1.1 calls bad. */
export function parseChunkLine(line: Buffer, start: number, end: number): ChunkLine {
  let size = 0;
  let at = start;
  for (; at < end; at += 1) {
    const digit = HEX[line[at] ?? 0] ?? 255;
    if (digit === 255) break;
    if (at - start >= MAX_CHUNK_DIGITS) throw new Http1Error('http1.bad-chunk-size');
    size = size * 16 + digit;
  }
  if (at === start) throw new Http1Error('http1.bad-chunk-size');
  const extensionsAt = at;
  while (at < end) {
    if (line[at] !== 0x3b)
      throw new Http1Error(extensionsAt === at ? 'http1.bad-chunk-size' : 'http1.bad-chunk-extension');
    at = afterToken(line, at + 1, end);
    if (at < end && line[at] === 0x3d)
      at = line[at + 1] === 0x22 ? afterQuoted(line, at + 2, end) : afterToken(line, at + 1, end);
  }
  return { size, extensionBytes: end - extensionsAt };
}

function afterToken(line: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && TOKEN[line[at] ?? 0] === 1) at += 1;
  if (at === start) throw new Http1Error('http1.bad-chunk-extension');
  return at;
}

function afterQuoted(line: Buffer, start: number, end: number): number {
  for (let at = start; at < end; at += 1) {
    const byte = line[at] ?? 0;
    if (byte === 0x22) return at + 1;
    if (byte === 0x5c) at += 1;
    if (at >= end || FIELD_VALUE[line[at] ?? 0] !== 1) break;
  }
  throw new Http1Error('http1.bad-chunk-extension');
}
