import { request, type ClientRequest } from 'node:http';
import { WebSocket } from 'ws';

export interface LongStream {
  readonly kind: 'events' | 'socket';
  /** Bytes or messages that came. */
  received: number;
  openedAt: number;
  /** Set when it is over. */
  end: { readonly at: number; readonly how: string } | undefined;
  close(): void;
}

/** Follows server-sent events at `/events`; resolves once the first came. */
export function openEvents(address: string, host: string): Promise<LongStream> {
  const [hostname, port] = address.split(':');
  return new Promise((resolve, reject) => {
    const asked: ClientRequest = request(
      { hostname, port: Number(port), path: '/events', headers: { host }, agent: false },
      (response) => {
        if (response.statusCode !== 200) reject(new Error(`events: ${response.statusCode}`));
        response.on('data', (bytes: Buffer) => {
          stream.received += bytes.length;
          resolve(stream);
        });
        response.on('error', (error) => over(error.message));
        response.on('close', () => over('closed'));
      },
    );
    const over = (how: string): void => {
      stream.end ??= { at: performance.now(), how };
      reject(new Error(`events: ${how}`));
    };
    const stream: LongStream = {
      kind: 'events',
      received: 0,
      openedAt: performance.now(),
      end: undefined,
      close: () => asked.destroy(),
    };
    asked.on('error', (error) => over(error.message));
    asked.end();
  });
}

/** A WebSocket that has been answered once; `end.how` is the code of its Close. */
export function openSocket(address: string, host: string): Promise<LongStream> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://${address}/`, { headers: { host }, perMessageDeflate: false });
    const stream: LongStream = {
      kind: 'socket',
      received: 0,
      openedAt: performance.now(),
      end: undefined,
      close: () => socket.terminate(),
    };
    let timer: NodeJS.Timeout | undefined;
    socket.on('open', () => {
      socket.send('hello');
      timer = setInterval(() => socket.send('tick'), 200);
    });
    socket.on('message', () => {
      stream.received += 1;
      resolve(stream);
    });
    socket.on('error', (error) => reject(error));
    socket.on('close', (code) => {
      clearInterval(timer);
      stream.end = { at: performance.now(), how: String(code) };
      reject(new Error(`closed with ${code}`));
    });
  });
}
