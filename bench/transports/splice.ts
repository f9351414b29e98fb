import type { Socket } from 'node:net';
import type { YamuxStream } from '../../shared/yamux/types.ts';

/** Passes bytes both ways between a stream and a TCP connection, with back pressure and half-close. */
export function splice(stream: YamuxStream, socket: Socket): void {
  socket.setNoDelay(true);
  stream.attach({
    onData: (bytes) => socket.write(bytes, () => stream.consumed(bytes.length)),
    onEnd: () => socket.end(),
    onDrain: () => socket.resume(),
    onClosed: () => socket.destroy(),
  });
  socket.on('data', (bytes) => {
    if (!stream.write(bytes)) socket.pause();
  });
  socket.once('end', () => stream.end());
  socket.on('error', () => stream.reset());
  socket.once('close', () => {
    if (!stream.closed && !socket.readableEnded) stream.reset();
  });
}
