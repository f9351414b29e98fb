import { createHash, randomBytes } from 'node:crypto';
import { listHas } from '../http1/header-list.ts';
import { fail, ok, type Result } from '../result/result.ts';

/** Headers as `node:http` gives them: lower-case names. */
export type HandshakeHeaders = Readonly<Record<string, string | string[] | undefined>>;

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const VERSION = '13';
const KEY_BYTES = 16;

export interface UpgradeRequest {
  readonly method?: string | undefined;
  readonly httpVersion: string;
  readonly headers: HandshakeHeaders;
}

/** A new `Sec-WebSocket-Key`. */
export function newKey(): string {
  return randomBytes(KEY_BYTES).toString('base64');
}

/** `Sec-WebSocket-Accept` for a key (RFC 6455 §4.2.2). */
export function acceptValue(key: string): string {
  return createHash('sha1')
    .update(key + GUID)
    .digest('base64');
}

/** The headers with which a client asks for a WebSocket (RFC 6455 §4.1). No extension is offered. */
export function upgradeHeaders(key: string, subprotocol: string | undefined): Record<string, string> {
  return {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': VERSION,
    'sec-websocket-key': key,
    ...(subprotocol === undefined ? {} : { 'sec-websocket-protocol': subprotocol }),
  };
}

/** What a server demands of a client's request (RFC 6455 §4.2.1); the value is the key. */
export function checkUpgradeRequest({ method, httpVersion, headers }: UpgradeRequest): Result<string> {
  if (method !== 'GET') return fail('websocket-bad-handshake', `${method ?? 'no'} is not GET`);
  if (httpVersion !== '1.1') return fail('websocket-bad-handshake', `HTTP/${httpVersion} is not HTTP/1.1`);
  if (!listHas(single(headers, 'upgrade'), 'websocket'))
    return fail('websocket-bad-handshake', 'Upgrade is not websocket');
  if (!listHas(single(headers, 'connection'), 'upgrade'))
    return fail('websocket-bad-handshake', 'Connection is not Upgrade');
  const version = single(headers, 'sec-websocket-version');
  if (version !== VERSION)
    return fail('websocket-bad-version', `Sec-WebSocket-Version is ${version || 'missing'}, not 13`);
  const key = single(headers, 'sec-websocket-key');
  const bytes = Buffer.from(key, 'base64');
  // Written back, because the decoder takes nearly anything.
  if (bytes.length !== KEY_BYTES || bytes.toString('base64') !== key)
    return fail('websocket-bad-handshake', 'Sec-WebSocket-Key is not 16 bytes in base64');
  return ok(key);
}

/** The answer that turns the connection into a WebSocket (RFC 6455 §4.2.2). */
export function upgradeAnswer(key: string, subprotocol: string | undefined): string {
  return [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${acceptValue(key)}`,
    ...(subprotocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${subprotocol}`]),
    '\r\n',
  ].join('\r\n');
}

/** What a client demands of the 101 of a server (RFC 6455 §4.1): why it is not good, or undefined. */
export function problemOfUpgradeAnswer(
  headers: HandshakeHeaders,
  key: string,
  subprotocol: string | undefined,
): string | undefined {
  if (single(headers, 'upgrade').toLowerCase() !== 'websocket') return 'Upgrade is not websocket';
  if (!listHas(single(headers, 'connection'), 'upgrade')) return 'Connection is not Upgrade';
  if (single(headers, 'sec-websocket-accept') !== acceptValue(key)) return 'Sec-WebSocket-Accept is not for our key';
  if (headers['sec-websocket-extensions'] !== undefined) return 'Sec-WebSocket-Extensions names what was not offered';
  if (headers['sec-websocket-protocol'] !== subprotocol)
    return `Sec-WebSocket-Protocol is not ${subprotocol ?? 'absent'}`;
  return undefined;
}

function single(headers: HandshakeHeaders, name: string): string {
  const value = headers[name];
  return typeof value === 'string' ? value : '';
}
