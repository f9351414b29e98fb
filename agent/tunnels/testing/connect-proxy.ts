import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';

/** An HTTP proxy that knows CONNECT only, and leads every name to a port of this machine. */
export class ConnectProxy {
  /** `HOST:PORT` of each CONNECT, in order, with the credentials that came. */
  readonly asked: { readonly authority: string; readonly credentials: string | undefined }[] = [];
  readonly address: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, wanted: string | undefined) {
    const bound = server.address();
    this.address = `127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : 0}`;
    this.#server = server;
    server.on('connect', (request, socket: Socket, head: Buffer) => {
      const credentials = request.headers['proxy-authorization'];
      this.asked.push({ authority: request.url ?? '', credentials });
      socket.on('error', () => socket.destroy());
      if (wanted !== undefined && credentials !== `Basic ${Buffer.from(wanted).toString('base64')}`) {
        socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n');
        return;
      }
      const port = Number((request.url ?? '').split(':').at(-1));
      const inner = connect(port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
        inner.write(head);
        inner.pipe(socket).pipe(inner);
      });
      inner.on('error', () => socket.destroy());
      for (const one of [inner, socket]) {
        this.#sockets.add(one);
        one.once('close', () => {
          this.#sockets.delete(one);
          inner.destroy();
          socket.destroy();
        });
      }
    });
  }

  /** `credentials`: `USER:PASSWORD` that it wants. */
  static async start(credentials?: string): Promise<ConnectProxy> {
    const server = createServer((_request, response) => response.writeHead(405).end());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new ConnectProxy(server, credentials);
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#server.closeAllConnections();
    await closed;
  }
}
