import { createServer } from 'node:http';
import { Pool } from 'undici';
import type { Dispatcher } from 'undici';

/** A plain reverse proxy of `node:http` and undici, as one would write it. Prints its address; ends with its input. */
const upstream = process.argv[2] ?? '';
const pool = new Pool(`http://${upstream}`, { connections: 64, pipelining: 1 });
const server = createServer((request, response) => {
  const { connection: _, ...headers } = request.headers;
  const bodiless = request.method === 'GET' || request.method === 'HEAD';
  pool.stream(
    {
      path: request.url ?? '/',
      method: (request.method ?? 'GET') as Dispatcher.HttpMethod,
      headers,
      ...(bodiless ? {} : { body: request }),
    },
    (answer) => {
      const { connection: _of, ...rest } = answer.headers;
      return response.writeHead(answer.statusCode, rest);
    },
    (error) => {
      if (error !== null) response.destroy(error);
    },
  );
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address !== 'string') console.log(`127.0.0.1:${address.port}`);
});
process.stdin.on('end', () => process.exit()).resume();
