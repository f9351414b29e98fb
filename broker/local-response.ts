import type { Socket } from 'node:net';
import { HeaderList } from '../shared/http1/header-list.ts';
import { writeResponseHead } from '../shared/http1/write-head.ts';
import type { LocalResponse } from './entrance.ts';

/** Unread events, besides the largest, of a follower that is as good as gone. */
const MAX_UNREAD_BYTES = 64 * 1024;

/** The connection that a listener answers itself. It is told `closed` with events: what is to be done at its end. */
export interface LocalConnection {
  readonly socket: Socket;
  write(bytes: Uint8Array): void;
  /** The answer is written. */
  done(): void;
  streams(closed: () => void): void;
}

export function localResponse(connection: LocalConnection): LocalResponse {
  return {
    send(status, contentType, body) {
      const bytes = Buffer.from(body);
      const head = headOf(status, '', contentType, [['Content-Length', String(bytes.length)]]);
      connection.write(Buffer.concat([head, bytes]));
      connection.done();
    },
    stream(closed) {
      connection.streams(closed);
      connection.write(headOf(200, 'OK', 'text/event-stream', []));
      // The first event is a list of any length, and the next one may come before any of it could be read.
      let largest = 0;
      return {
        write: (text) => {
          const bytes = Buffer.from(text);
          if (connection.socket.writableLength > MAX_UNREAD_BYTES + largest) connection.socket.destroy();
          else connection.write(bytes);
          largest = Math.max(largest, bytes.length);
        },
        end: () => connection.socket.end(),
      };
    },
  };
}

function headOf(status: number, reason: string, contentType: string, more: readonly [string, string][]): Buffer {
  const headers = new HeaderList([
    ['Content-Type', contentType],
    ...more,
    ['Cache-Control', 'no-store'],
    ['Connection', 'close'],
  ]);
  return writeResponseHead({ status, reason, headers });
}
