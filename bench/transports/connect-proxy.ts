import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';

export interface ConnectProxy {
  /** A port that reaches the target through an HTTP proxy by CONNECT, for programs that know no proxy. */
  readonly port: number;
  close(): void;
}

/** An HTTP proxy that knows CONNECT (RFC 9110 §9.3.6) and a forwarder that asks it, each connection anew. */
export async function startConnectProxy(target: number): Promise<ConnectProxy> {
  const proxy = createServer((client) => {
    client.on('error', () => client.destroy());
    client.once('data', (head) => {
      const port = Number(/^CONNECT 127\.0\.0\.1:(\d+) HTTP\/1\.1\r\n/.exec(head.toString('latin1'))?.[1]);
      if (!(port > 0)) {
        client.end('HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n');
        return;
      }
      const server = connect(port, '127.0.0.1', () => client.write('HTTP/1.1 200 Connection established\r\n\r\n'));
      server.on('error', () => client.destroy());
      client.once('close', () => server.destroy());
      client.pipe(server).pipe(client);
    });
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const proxyPort = (proxy.address() as AddressInfo).port;
  const forwarder = createServer((client) => {
    client.on('error', () => client.destroy());
    const server = connect(proxyPort, '127.0.0.1', () =>
      server.write(`CONNECT 127.0.0.1:${target} HTTP/1.1\r\nHost: 127.0.0.1:${target}\r\n\r\n`),
    );
    server.on('error', () => client.destroy());
    client.once('close', () => server.destroy());
    server.once('data', (head) => {
      const text = head.toString('latin1');
      const end = text.indexOf('\r\n\r\n') + 4;
      if (!text.startsWith('HTTP/1.1 200 ') || end < 4) client.destroy();
      else {
        if (end < head.length) client.write(head.subarray(end));
        client.pipe(server).pipe(client);
      }
    });
  });
  forwarder.listen(0, '127.0.0.1');
  await once(forwarder, 'listening');
  return {
    port: (forwarder.address() as AddressInfo).port,
    close() {
      proxy.close();
      forwarder.close();
    },
  };
}
