import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

/** Bytes of a response that anybody can make again: `seed` and a counter, hashed over and over. */
export function bodyOf(seed: string, bytes: number): Buffer {
  const block = createHash('sha512').update(seed).digest();
  const body = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at += block.length) {
    block.copy(body, at);
    body[at] = (at / block.length) & 0xff;
  }
  return body;
}

export function digestOf(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('base64url');
}

export interface Upstreams {
  /** Base URL of each tenant's own upstream, by its number. */
  readonly urls: readonly string[];
  /** Requests that came to an upstream of another tenant than they were meant for. */
  readonly strays: string[];
  stop(): void;
}

/**
 * An upstream for each tenant. It says whose it is, the id of the request, the digest of the body that came, and sends as
 * many bytes as `n` asks, with a length or in chunks.
 */
export async function startUpstreams(tenants: number): Promise<Upstreams> {
  const strays: string[] = [];
  const servers: Server[] = [];
  const urls: string[] = [];
  const answer = (tenant: number, request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url ?? '/', 'http://upstream');
    const id = String(request.headers['x-id']);
    if (url.searchParams.get('for') !== String(tenant)) strays.push(`${tenant} got ${request.url} ${id}`);
    const hash = createHash('sha256');
    request.on('data', (bytes: Buffer) => hash.update(bytes));
    request.on('end', () => {
      const bytes = Number(url.searchParams.get('n'));
      const body = bodyOf(`${tenant} ${id}`, bytes);
      response.setHeader('x-tenant', tenant);
      response.setHeader('x-id', id);
      response.setHeader('x-got', hash.digest('base64url'));
      response.setHeader('x-method', request.method ?? '');
      if (url.searchParams.get('chunked') === '1' && request.method !== 'HEAD') {
        response.write(body.subarray(0, bytes >> 1));
        response.end(body.subarray(bytes >> 1));
      } else {
        response.setHeader('content-length', bytes);
        response.end(request.method === 'HEAD' ? undefined : body);
      }
    });
    request.on('error', () => response.destroy());
  };
  for (let tenant = 0; tenant < tenants; tenant += 1) {
    const server = createServer((request, response) => answer(tenant, request, response)).listen(0, '127.0.0.1');
    server.keepAliveTimeout = 60_000;
    await once(server, 'listening');
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('no address');
    servers.push(server);
    urls.push(`http://127.0.0.1:${address.port}`);
  }
  return {
    urls,
    strays,
    stop() {
      for (const server of servers) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
}
