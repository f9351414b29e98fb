import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * A TCP relay that can fall silent: connections stay open, nothing passes in either direction, and no FIN or RST is ever
 * told, as when a cable is cut or a NAT forgets.
 */
export class SilentRelay {
  readonly port: number;
  silent = false;
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();

  private constructor(server: Server, target: () => number) {
    const address = server.address();
    this.port = typeof address === 'object' && address !== null ? address.port : 0;
    this.#server = server;
    server.on('connection', (near) => {
      if (this.silent) {
        // Accepted by the kernel, heard by nobody.
        near.on('error', () => near.destroy());
        near.pause();
        this.#pairs.add([near, near]);
        return;
      }
      const far = connect({ port: target(), host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
      near.setNoDelay(true);
      const pair = [near, far] as const;
      this.#pairs.add(pair);
      for (const [from, to] of [pair, [far, near] as const]) {
        from.on('data', (bytes) => {
          if (!this.silent && !to.write(bytes)) from.pause();
        });
        to.on('drain', () => {
          if (!this.silent) from.resume();
        });
        from.on('end', () => {
          if (!this.silent) to.end();
        });
        from.on('error', () => {
          if (!this.silent) to.resetAndDestroy();
        });
        from.on('close', () => {
          if (!this.silent) to.destroy();
        });
      }
    });
  }

  static async start(target: () => number): Promise<SilentRelay> {
    const server = createServer({ allowHalfOpen: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new SilentRelay(server, target);
  }

  /** From now on nothing passes. */
  fallSilent(): void {
    this.silent = true;
    for (const sockets of this.#pairs) for (const socket of sockets) socket.pause();
  }

  /** New connections pass again; those that were silenced are gone. */
  recover(): void {
    for (const sockets of this.#pairs) for (const socket of sockets) socket.destroy();
    this.#pairs.clear();
    this.silent = false;
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.recover();
    await closed;
  }
}
