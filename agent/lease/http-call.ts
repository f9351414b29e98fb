import { request as requestHttp } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';

import { failUnaskedSwitch } from '../../shared/sockets/fail-unasked-switch.ts';
import { openThroughProxy } from '../tunnels/open-socket.ts';
import { trustOf } from '../tunnels/trust.ts';

const CONNECT_TIMEOUT_MS = 3_000;

export interface HttpCall {
  readonly method: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | undefined;
  /** No byte for this long, before the answer or within it, ends the call. */
  readonly silenceMs: number;
  readonly signal: AbortSignal;
}

/**
 * Calls over connections of their own, straight or through the proxy that the environment names: they are few, and a
 * connection that was kept may be dead without a word after a sleep.
 */
export class HttpCaller {
  readonly #ca: string | undefined;
  readonly #open = new Set<ClientRequest>();
  #closed = false;

  /** `ca`: certificates in PEM, trusted besides the public ones. */
  constructor(ca?: string) {
    this.#ca = ca;
  }

  /** Resolves with the head of the answer; whoever reads the body bounds it. */
  async call(url: URL, { method, headers, body, silenceMs, signal }: HttpCall): Promise<IncomingMessage> {
    const ca = this.#ca;
    const connection = await openThroughProxy({ url, ca, timeoutMs: CONNECT_TIMEOUT_MS, signal });
    if (this.#closed || signal.aborted) {
      connection?.destroy();
      throw new Error('the call was given up');
    }
    return new Promise((resolve, reject) => {
      const sent = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, {
        method,
        headers: { ...headers, ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }) },
        ...(url.protocol === 'https:' ? trustOf(ca) : {}),
        // Without an agent either way: `agent: false` makes one, and would not look at `createConnection`.
        ...(connection === undefined ? { agent: false } : { createConnection: () => connection }),
        signal,
      });
      this.#open.add(sent);
      const noConnection = setTimeout(
        () => sent.destroy(new Error(`no connection within ${CONNECT_TIMEOUT_MS} ms`)),
        CONNECT_TIMEOUT_MS,
      );
      const connected = (): void => clearTimeout(noConnection);
      sent.once('socket', (socket) => {
        // One that was opened before is paused.
        connection?.resume();
        if (socket.connecting) socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', connected);
        else connected();
      });
      sent.setTimeout(silenceMs, () => sent.destroy(new Error(`no byte within ${silenceMs} ms`)));
      // Stays: one that is destroyed tells so with 'error'.
      sent.on('error', reject);
      sent.once('close', () => {
        connected();
        this.#open.delete(sent);
      });
      failUnaskedSwitch(sent, reject);
      sent.once('response', resolve);
      sent.end(body);
    });
  }

  /** Ends what runs; nothing can be called any more. */
  close(): void {
    this.#closed = true;
    for (const sent of this.#open) sent.destroy(new Error('the caller was closed'));
  }
}
