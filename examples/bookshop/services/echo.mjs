// Stands in for every Service: says its name and what arrived. It listens on 127.0.0.1:$PORT.
import { createServer } from 'node:http';

const name = process.argv[2] ?? 'echo';
const server = createServer((request, response) => {
  request.resume();
  const { method, url, headers } = request;
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ service: name, method, path: url, headers }, null, 2) + '\n');
});
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
  console.log(`${name} listens on 127.0.0.1:${server.address().port}`);
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(0));
