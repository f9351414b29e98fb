import { createServer } from 'node:net';

/**
 * Answers each read with the same bytes, by the plainest use of `node:net`: what a request and an answer cost a process
 * of Node at least. Takes the length of the body, prints its address, ends with its input.
 */
const length = Number(process.argv[2]);
const answer = Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n${'x'.repeat(length)}`, 'latin1');
const server = createServer({ noDelay: true }, (socket) => {
  socket.on('data', () => socket.write(answer));
  socket.on('error', () => socket.destroy());
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address !== 'string') console.log(`127.0.0.1:${address.port}`);
});
process.stdin.on('end', () => process.exit()).resume();
