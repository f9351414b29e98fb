import { createServer } from 'node:http';
import { Pool } from 'undici';
import type { Peer } from './peer.ts';
import { startServer } from './server-process.ts';

/** The proxy that one writes in Node: `node:http` in front, undici's pool behind; a process of its own. */
export const undiciPeer: Peer = {
  name: 'undici',
  async start(upstream) {
    const child = await startServer(process.execPath, [import.meta.filename, upstream]);
    const [, address = ''] = await child.says(/listening (\S+)\n/);
    return { address, parties: { proxy: child.pid }, stop: () => child.stop() };
  },
};

function serve(upstream: string): void {
  const pool = new Pool(`http://${upstream}`, { connections: 64, pipelining: 1 });
  const server = createServer((request, response) => {
    const { method = 'GET', url = '/', headers } = request;
    const { connection: _, ...forwarded } = headers;
    const body = method === 'GET' || method === 'HEAD' ? null : request;
    pool
      .stream({ method, path: url, headers: forwarded, body }, (answer) => {
        response.writeHead(answer.statusCode, answer.headers);
        return response;
      })
      .catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  });
  server.keepAliveTimeout = 0;
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    if (typeof address === 'object' && address !== null) console.log(`listening 127.0.0.1:${address.port}`);
  });
}

if (import.meta.main) serve(process.argv[2] ?? '');
