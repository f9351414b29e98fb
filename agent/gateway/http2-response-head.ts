import { HeaderList, type HeaderPair } from '../../shared/http1/header-list.ts';
import type { ResponseFraming, ResponseHead } from '../../shared/http1/message-head.ts';
import { NOT_IN_TRAILERS } from '../../shared/http1/trailer-fields.ts';

/**
 * The head of an HTTP/2 answer as one of HTTP/1.1. `ended`: no body follows. Undefined when there is no such head. Field
 * lines come in turn: name, value.
 */
export function http1ResponseHead(raw: readonly string[], method: string, ended: boolean): ResponseHead | undefined {
  const fields = pairs(raw);
  const status = Number(fields.find(([name]) => name === ':status')?.[1]);
  // 101 has no meaning in HTTP/2 (RFC 9113 §8.6).
  if (!Number.isInteger(status) || status < 100 || status > 999 || status === 101) return undefined;
  const headers = new HeaderList(fields.filter(([name]) => !name.startsWith(':')));
  const framing = framingOf(headers, method, status, ended);
  if (framing.kind === 'chunked') {
    headers.remove('Content-Length');
    headers.set('Transfer-Encoding', 'chunked');
  }
  return { status, reason: '', version: '1.1', headers, framing, keepAlive: true };
}

export function trailerSection(raw: readonly string[]): HeaderPair[] {
  return pairs(raw).filter(([name]) => !name.startsWith(':') && !NOT_IN_TRAILERS.has(name));
}

function framingOf(headers: HeaderList, method: string, status: number, ended: boolean): ResponseFraming {
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return { kind: 'none' };
  if (ended) {
    headers.set('Content-Length', '0');
    return { kind: 'length', length: 0 };
  }
  // What has trailers must be chunked to carry them; gRPC always has.
  const length = headers.get('content-length');
  const trailers = headers.has('trailer') || (headers.get('content-type') ?? '').startsWith('application/grpc');
  if (length === undefined || trailers || !/^\d{1,15}$/.test(length)) return { kind: 'chunked' };
  return { kind: 'length', length: Number(length) };
}

function pairs(raw: readonly string[]): HeaderPair[] {
  const list: HeaderPair[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) list.push([raw[at] ?? '', raw[at + 1] ?? '']);
  return list;
}
