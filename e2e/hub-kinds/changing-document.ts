import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An OpenAPI document that somebody edits while it is served. */
export class ChangingDocument {
  paths: readonly string[];
  /** How often it was fetched. */
  asked = 0;
  readonly #server: Server;

  private constructor(paths: readonly string[]) {
    this.paths = paths;
    this.#server = createServer((_, response) => {
      this.asked += 1;
      const operations = Object.fromEntries(this.paths.map((path) => [path, { get: {} }]));
      response.end(JSON.stringify({ openapi: '3.0.3', paths: operations }));
    });
  }

  static async serve(paths: readonly string[]): Promise<ChangingDocument> {
    const document = new ChangingDocument(paths);
    document.#server.listen(0, '127.0.0.1');
    await once(document.#server, 'listening');
    return document;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/openapi.json`;
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}
