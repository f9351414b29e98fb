// The petstore: a server without dependencies. It listens on 127.0.0.1:$PORT and answers JSON.
import { createServer } from 'node:http';

const MAX_BODY_BYTES = 1024 * 1024;

const pets = [
  { id: 1, name: 'Rex', kind: 'dog' },
  { id: 2, name: 'Tom', kind: 'cat' },
  { id: 3, name: 'Nemo', kind: 'fish' },
];
const orders = [
  { id: 1, pet: 2, status: 'delivered' },
  { id: 2, pet: 3, status: 'placed' },
];

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url ?? '/', 'http://petstore');
  const one = /^\/pets\/(\d+)$/.exec(pathname);

  if (pathname === '/debug') {
    answer(response, 200, { method: request.method, path: request.url, headers: request.headers });
  } else if (request.method === 'POST') {
    echo(request, response);
  } else if (pathname === '/') {
    answer(response, 200, { name: 'petstore', paths: ['/pets', '/pets/1', '/orders', '/debug'] });
  } else if (pathname === '/pets') {
    answer(response, 200, pets);
  } else if (pathname === '/orders') {
    answer(response, 200, orders);
  } else if (one !== null) {
    const pet = pets.find(({ id }) => id === Number(one[1]));
    answer(response, pet === undefined ? 404 : 200, pet ?? { error: `there is no pet ${one[1]}` });
  } else {
    answer(response, 404, { error: `there is nothing at ${pathname}` });
  }
});

function answer(response, status, value) {
  const body = JSON.stringify(value, null, 2) + '\n';
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

/** Answers with what was sent. */
function echo(request, response) {
  const parts = [];
  let bytes = 0;
  request.on('data', (part) => {
    bytes += part.length;
    if (bytes <= MAX_BODY_BYTES) parts.push(part);
  });
  request.on('end', () => {
    if (bytes > MAX_BODY_BYTES) answer(response, 413, { error: 'the body is too large' });
    else answer(response, 201, { path: request.url, received: Buffer.concat(parts).toString('utf8') });
  });
}

server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
  console.log(`petstore listens on 127.0.0.1:${server.address().port}`);
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(0));
