import { connect } from 'node:net';
import { request } from 'node:http';
import type { Agent, IncomingHttpHeaders } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** One request to `address` with this Host, by `node:http`. */
export function ask(
  address: string,
  host: string,
  how: { path?: string; method?: string; headers?: Record<string, string>; body?: Buffer | string; agent?: Agent } = {},
): Promise<Answer> {
  const [name, port] = address.split(':');
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        host: name,
        port,
        path: how.path ?? '/',
        method: how.method ?? 'GET',
        headers: { host, ...how.headers },
        agent: how.agent ?? false,
      },
      (response) => {
        const pieces: Buffer[] = [];
        response.on('data', (piece: Buffer) => pieces.push(piece));
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(pieces) }),
        );
      },
    );
    asked.on('error', reject);
    asked.end(how.body);
  });
}

/** Sends these bytes and collects what comes until the connection ends or `enough` is true. */
export function exchangeRaw(
  address: string,
  bytes: string | Buffer,
  enough: (text: string) => boolean = () => false,
): Promise<string> {
  const [host, port] = address.split(':');
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), host);
    let text = '';
    socket.on('data', (piece) => {
      text += piece.toString('latin1');
      if (enough(text)) socket.destroy();
    });
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
    socket.write(bytes);
  });
}
