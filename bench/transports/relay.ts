import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A TCP relay between agent and broker that counts, cuts, falls silent and lets only some things pass. */
export interface Relay {
  readonly port: number;
  /** Bytes passed on, both directions together. */
  bytes(): number;
  /** Resets every connection; new ones are served. */
  cut(): void;
  /** Existing connections stay and carry nothing any more, as when a laptop changes its network; new ones are served. */
  silence(): void;
  close(): void;
}

/** `admits` sees the first bytes of each connection of the agent; when it says no, the connection is reset. */
export async function startRelay(to: number, admits: (first: Buffer) => boolean = () => true): Promise<Relay> {
  const open = new Set<{ sockets: [Socket, Socket]; silent: boolean }>();
  let bytes = 0;
  const server = createServer({ allowHalfOpen: true }, (inner) => {
    const outer = connect({ port: to, host: '127.0.0.1', allowHalfOpen: true });
    const pair = { sockets: [inner, outer] as [Socket, Socket], silent: false };
    open.add(pair);
    let admitted = false;
    const pass = (from: Socket, into: Socket): void => {
      from.setNoDelay(true);
      from.on('data', (chunk) => {
        if (pair.silent) return;
        if (from === inner && !admitted) {
          admitted = true;
          if (!admits(chunk)) {
            inner.resetAndDestroy();
            return;
          }
        }
        bytes += chunk.length;
        if (!into.write(chunk)) from.pause();
      });
      into.on('drain', () => from.resume());
      from.once('end', () => {
        if (!pair.silent) into.end();
      });
      from.on('error', () => into.destroy());
      from.once('close', () => {
        open.delete(pair);
        if (!pair.silent) into.destroy();
      });
    };
    pass(inner, outer);
    pass(outer, inner);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    bytes: () => bytes,
    cut() {
      for (const { sockets } of open) for (const socket of sockets) socket.resetAndDestroy();
    },
    silence() {
      for (const pair of open) pair.silent = true;
    },
    close() {
      server.close();
      for (const { sockets } of open) for (const socket of sockets) socket.destroy();
    },
  };
}

/** What a proxy that only lets TLS pass looks at: a handshake record of TLS 1.x (RFC 8446 §5.1). */
export function isTlsHello(first: Buffer): boolean {
  return first[0] === 0x16 && first[1] === 0x03;
}
