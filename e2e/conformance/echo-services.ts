import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What an upstream got. */
export interface Received {
  readonly service: string;
  readonly method: string;
  readonly target: string;
  /** Lower-case names, sorted; values of one name in their order. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

/** Cluster addresses of the Services, all within 127.0.0.0/8 and on one port. `marker` belongs to the rig alone. */
export const SERVICES = {
  echo: '127.1.0.10',
  second: '127.1.0.11',
  third: '127.1.0.12',
  marker: '127.1.0.13',
  /** In a namespace of its own. */
  far: '127.1.0.14',
} as const;

const MAX_BODY_BYTES = 4 * 1024 * 1024;

export interface EchoServices {
  readonly port: number;
  /** What all of them received since the last call, in order. */
  take(): Received[];
  stop(): Promise<void>;
}

/**
 * Upstreams that remember each request and answer as its query asks: `status=N`, `header=NAME:VALUE` (many), `body=TEXT`,
 * `size=BYTES` of text, `type=CONTENT-TYPE`; without, 200 and the name of the service. `reset` closes without an answer.
 */
export async function startEchoServices(): Promise<EchoServices> {
  for (let attempt = 0; ; attempt += 1) {
    const servers: Server[] = [];
    const received: Received[] = [];
    try {
      let port = 0;
      for (const [name, address] of Object.entries(SERVICES)) {
        const server = createServer((request, response) => void serve(name, request, response, received));
        servers.push(server);
        server.listen(port, address);
        await once(server, 'listening');
        ({ port } = server.address() as AddressInfo);
      }
      return { port, take: () => received.splice(0), stop: () => stopAll(servers) };
    } catch (error) {
      await stopAll(servers);
      // The port that the first one got may be taken on another's address.
      if (attempt === 8) throw error;
    }
  }
}

async function stopAll(servers: readonly Server[]): Promise<void> {
  await Promise.all(
    servers.map(async (server) => {
      if (!server.listening) return;
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    }),
  );
}

async function serve(
  service: string,
  request: IncomingMessage,
  response: ServerResponse,
  received: Received[],
): Promise<void> {
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const part of request as AsyncIterable<Buffer>) {
      bytes += part.length;
      if (bytes <= MAX_BODY_BYTES) parts.push(part);
    }
  } catch {
    // The other side gave the request up: what came is what was received.
  }
  received.push({
    service,
    method: request.method ?? '',
    target: request.url ?? '',
    headers: sortedHeaders(request.rawHeaders),
    body: Buffer.concat(parts).toString('latin1'),
  });
  const asked = new URLSearchParams((request.url ?? '').split('?').slice(1).join('?'));
  if (asked.has('reset')) return void request.socket.destroy();
  for (const header of asked.getAll('header')) {
    const colon = header.indexOf(':');
    response.appendHeader(header.slice(0, colon), header.slice(colon + 1));
  }
  response.setHeader('content-type', asked.get('type') ?? 'text/plain; charset=utf-8');
  response.statusCode = Number(asked.get('status') ?? 200);
  const size = Number(asked.get('size') ?? 0);
  response.end(
    asked.get('body') ?? (size > 0 ? 'all work and no play '.repeat(size / 20 + 1).slice(0, size) : service),
  );
}

export function sortedHeaders(raw: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) pairs.push([(raw[at] ?? '').toLowerCase(), raw[at + 1] ?? '']);
  return pairs.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}
