import { request as requestHttp } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Duplex } from 'node:stream';

import { newKey, problemOfUpgradeAnswer, upgradeHeaders } from '../../shared/websocket/handshake.ts';
import { trustOf } from './trust.ts';

export interface UpgradeTarget {
  /** `ws:` or `wss:`. */
  readonly url: string;
  readonly subprotocol?: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Certificates in PEM, trusted besides the public ones. */
  readonly ca?: string | undefined;
  readonly timeoutMs: number;
  /** Open already, with TLS where that is wanted, in place of one of its own. */
  readonly connection?: Duplex;
  readonly signal: AbortSignal;
}

export type UpgradeOutcome =
  | { readonly kind: 'upgraded'; readonly socket: Duplex; readonly head: Buffer }
  /** The server answered with something else; whoever reads the body bounds it. */
  | { readonly kind: 'answered'; readonly response: IncomingMessage };

/**
 * The client's half of the WebSocket handshake (RFC 6455 §4.1). Rejects when the server cannot be reached in time, or
 * its 101 is not an answer to our request. The socket is not flowing: attach to it in the same tick.
 */
export function requestUpgrade(target: UpgradeTarget): Promise<UpgradeOutcome> {
  const { url, subprotocol, headers, ca, timeoutMs, signal, connection } = target;
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(new Error('the dial was given up'));
      return;
    }
    const key = newKey();
    const { protocol, hostname, port, pathname, search } = new URL(url);
    const request = (protocol === 'wss:' ? requestHttps : requestHttp)({
      host: hostname.replace(/^\[|\]$/g, ''),
      ...(port === '' ? {} : { port: Number(port) }),
      path: `${pathname}${search}`,
      headers: { ...headers, ...upgradeHeaders(key, subprotocol) },
      ...(protocol === 'wss:' ? trustOf(ca) : {}),
      // A connection of its own either way: `agent: false` makes one, and would not look at `createConnection`.
      ...(connection === undefined ? { agent: false } : { createConnection: () => connection }),
    });
    const timer = setTimeout(
      () => request.destroy(new Error(`no answer to the WebSocket handshake in ${timeoutMs} ms`)),
      timeoutMs,
    );
    const giveUp = (): void => {
      request.destroy(new Error('the dial was given up'));
    };
    const settled = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
    };
    signal.addEventListener('abort', giveUp, { once: true });
    // Stays: a request that is destroyed tells so with 'error'.
    request.on('error', (error) => {
      settled();
      reject(error);
    });
    request.once('response', (response) => {
      settled();
      resolve({ kind: 'answered', response });
    });
    request.once('upgrade', (response, socket, head) => {
      settled();
      const problem = problemOfUpgradeAnswer(response.headers, key, subprotocol);
      if (problem === undefined) {
        resolve({ kind: 'upgraded', socket, head });
        return;
      }
      socket.destroy();
      reject(new Error(`the answer to the WebSocket handshake is not valid: ${problem}`));
    });
    // One that was opened before may be paused; who reads it now is attached.
    if (connection !== undefined) request.once('socket', () => connection.resume());
    request.end();
  });
}
