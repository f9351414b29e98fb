import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Stands before the control plane and passes everything on, but can keep back what it answers about agents and leases, or answer itself. */
export class AnswerHold implements AsyncDisposable {
  readonly url: string;
  readonly #close: () => Promise<void>;
  /** Answers itself where this returns a status. */
  instead: (method: string, path: string) => number | undefined = () => undefined;
  #next: { readonly came: () => void; readonly release: Promise<void> } | undefined;

  static async before(control: string): Promise<AnswerHold> {
    const server = createServer((asked, reply) => hold.#pass(control, asked, reply));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const hold = new AnswerHold((server.address() as AddressInfo).port, async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    });
    return hold;
  }

  private constructor(port: number, close: () => Promise<void>) {
    this.url = `http://127.0.0.1:${port}`;
    this.#close = close;
  }

  /** The next answer is kept back until `release`; `came` resolves when it is here. */
  holdNext(): { readonly came: Promise<void>; release(): void } {
    const came = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    this.#next = { came: came.resolve, release: release.promise };
    return { came: came.promise, release: release.resolve };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close();
  }

  #pass(control: string, asked: IncomingMessage, reply: ServerResponse): void {
    const { method = 'GET', url = '/', headers } = asked;
    const status = this.instead(method, url);
    if (status !== undefined) {
      reply.writeHead(status, { 'content-type': 'application/problem+json' });
      reply.end(JSON.stringify({ title: 'refused', status, code: 'refused' }));
      return;
    }
    const isGrant = method === 'POST' && /^\/v1\/(agents|leases)/.test(url);
    const inner = request(new URL(url, control), { method, headers }, (answer) => {
      const held = isGrant ? this.#next : undefined;
      if (held !== undefined) this.#next = undefined;
      const pass = (): void => {
        reply.writeHead(answer.statusCode ?? 502, answer.headers);
        reply.flushHeaders();
        answer.pipe(reply);
      };
      if (held === undefined) pass();
      else {
        held.came();
        void held.release.then(pass);
      }
    });
    inner.on('error', () => reply.destroy());
    reply.on('close', () => inner.destroy());
    asked.pipe(inner);
  }
}
