import { isIPv4, isIPv6 } from 'node:net';
import { plainAddress } from '../shared/limits/address-group.ts';

/** Who connected to the proxy in front of us. */
export interface ProxyHeader {
  /** Undefined: the proxy speaks for itself (health checks), or knows no address of the Internet. */
  readonly source: { readonly address: string; readonly port: number } | undefined;
  readonly destinationPort: number | undefined;
}

export type ProxyHeaderRead =
  | { readonly state: 'more' }
  /** `rest`: what the visitor sent after the header. */
  | { readonly state: 'done'; readonly header: ProxyHeader; readonly rest: Buffer }
  | { readonly state: 'bad'; readonly reason: string };

/** PROXY protocol §2.1: the longest line of version 1 with its CRLF. */
const MAX_LINE_BYTES = 107;
const LINE_START = Buffer.from('PROXY ');
const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const FIXED_BYTES = 16;
/** §2.2 lets a sender go to 65,535 and asks a receiver for 536; certificates in TLVs stay far below this. */
const MAX_VARIABLE_BYTES = 4096;
const MORE: ProxyHeaderRead = { state: 'more' };
const NOBODY: ProxyHeader = { source: undefined, destinationPort: undefined };

/**
 * Reads the header that a proxy puts before a connection, version 1 or 2 ("The PROXY protocol", HAProxy 2.x). It may come
 * in pieces of any size; at most 4 KiB are kept. After `done` or `bad` nothing more may be pushed.
 */
export class ProxyHeaderReader {
  #bytes: Buffer = Buffer.alloc(0);

  push(piece: Buffer): ProxyHeaderRead {
    this.#bytes = this.#bytes.length === 0 ? piece : Buffer.concat([this.#bytes, piece]);
    const bytes = this.#bytes;
    if (startsLike(bytes, SIGNATURE)) return bytes.length < FIXED_BYTES ? MORE : readBinary(bytes);
    if (startsLike(bytes, LINE_START)) return readLine(bytes);
    return bad('the connection does not begin with a PROXY header');
  }
}

/** As far as both go. */
function startsLike(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length);
  return bytes.compare(start, 0, length, 0, length) === 0;
}

function readLine(bytes: Buffer): ProxyHeaderRead {
  const end = bytes.subarray(0, MAX_LINE_BYTES).indexOf('\r\n');
  if (end < 0) return bytes.length < MAX_LINE_BYTES ? MORE : bad('the line is too long');
  const rest = bytes.subarray(end + 2);
  const [, family, ...parts] = bytes.toString('latin1', 0, end).split(' ');
  // §2.1: whatever follows UNKNOWN is ignored.
  if (family === 'UNKNOWN') return { state: 'done', header: NOBODY, rest };
  const [source = '', destination = '', sourcePort, destinationPort, ...others] = parts;
  const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isPlainIPv6 : undefined;
  if (isAddress === undefined) return bad('the line names no known family');
  if (!isAddress(source) || !isAddress(destination)) return bad('the line has an invalid address');
  const from = portOf(sourcePort);
  const to = portOf(destinationPort);
  if (from === undefined || to === undefined || others.length > 0) return bad('the line has invalid ports');
  const header = { source: { address: plainAddress(canonical(source)), port: from }, destinationPort: to };
  return { state: 'done', header, rest };
}

function readBinary(bytes: Buffer): ProxyHeaderRead {
  const command = bytes.readUInt8(12);
  const kind = bytes.readUInt8(13);
  const length = bytes.readUInt16BE(14);
  if (command >> 4 !== 2) return bad('the version is not 2');
  if ((command & 15) > 1) return bad('the command is neither LOCAL nor PROXY');
  const family = kind >> 4;
  const transport = kind & 15;
  // §2.2: values without a meaning must be rejected.
  if (family > 3 || transport > 2) return bad('the address family or the transport is unknown');
  if (length > MAX_VARIABLE_BYTES) return bad('the header is too long');
  const end = FIXED_BYTES + length;
  const size = family === 1 ? 4 : 16;
  const over = (command & 15) === 1 && transport === 1 && (family === 1 || family === 2);
  if (over && length < 2 * size + 4) return bad('the header is too short for its addresses');
  if (bytes.length < end) return MORE;
  const rest = bytes.subarray(end);
  if (!over) return { state: 'done', header: NOBODY, rest };
  const address = bytes.subarray(FIXED_BYTES, FIXED_BYTES + size);
  const text = size === 4 ? address.join('.') : canonical(groupsOf(address));
  const ports = FIXED_BYTES + 2 * size;
  const source = { address: plainAddress(text), port: bytes.readUInt16BE(ports) };
  return { state: 'done', header: { source, destinationPort: bytes.readUInt16BE(ports + 2) }, rest };
}

/** Without a zone: that is a name of the proxy's own interface. */
function isPlainIPv6(text: string): boolean {
  return isIPv6(text) && !text.includes('%');
}

function groupsOf(address: Buffer): string {
  const groups: string[] = [];
  for (let at = 0; at < 16; at += 2) groups.push(address.readUInt16BE(at).toString(16));
  return groups.join(':');
}

/** One text for each address (RFC 5952, but IPv4-mapped ones with their dots). */
function canonical(text: string): string {
  if (isIPv4(text)) return text;
  const host = new URL(`http://[${text}]/`).hostname.slice(1, -1);
  if (!host.startsWith('::ffff:')) return host;
  const [high = '0', low = '0', ...more] = host.slice(7).split(':');
  if (more.length > 0) return host;
  const [one, two] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return `::ffff:${one >> 8}.${one & 255}.${two >> 8}.${two & 255}`;
}

/** §2.1: decimal, without leading zeros. */
function portOf(text: string | undefined): number | undefined {
  if (text === undefined || text.length > 5 || text === '') return undefined;
  const port = Number(text);
  return String(port) === text && Number.isInteger(port) && port >= 0 && port <= 65_535 ? port : undefined;
}

function bad(reason: string): ProxyHeaderRead {
  return { state: 'bad', reason };
}
