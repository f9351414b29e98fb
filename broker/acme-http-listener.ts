import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { canonicalHost } from '../shared/http1/canonical-host.ts';
import type { ListenOptions } from './options.ts';

/** RFC 8555 §8.3. */
const PREFIX = '/.well-known/acme-challenge/';
const LIMITS = { maxHeaderSize: 8 * 1024, headersTimeout: 5_000, requestTimeout: 5_000, keepAliveTimeout: 1_000 };
const MAX_CONNECTIONS = 1_024;

/** A plain listener that answers HTTP-01 challenges and sends everybody else on to HTTPS. */
export class AcmeHttpListener {
  readonly #server: Server;
  readonly #answers = new Map<string, string>();

  private constructor() {
    this.#server = createServer(LIMITS, (request, response) => this.#onRequest(request, response));
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /** Rejects when the address cannot be bound. */
  static async listen({ host, port }: ListenOptions): Promise<AcmeHttpListener> {
    const listener = new AcmeHttpListener();
    await new Promise<void>((resolve, reject) => {
      listener.#server.once('error', reject);
      listener.#server.listen({ host, port }, () => {
        listener.#server.off('error', reject);
        resolve();
      });
    });
    return listener;
  }

  get address(): AddressInfo {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the listener is closed');
    return address;
  }

  answer(token: string, text: string | undefined): void {
    if (text === undefined) this.#answers.delete(token);
    else this.#answers.set(token, text);
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    request.resume();
    const target = request.url ?? '';
    if (target.startsWith(PREFIX)) {
      const text = this.#answers.get(target.slice(PREFIX.length));
      response.writeHead(text === undefined ? 404 : 200, { 'content-type': 'application/octet-stream' });
      response.end(text ?? '');
      return;
    }
    const host = canonicalHost(request.headers.host ?? '');
    if (!host.ok || !target.startsWith('/')) response.writeHead(400).end();
    else response.writeHead(308, { location: `https://${host.value.host}${target}` }).end();
  }
}
