import type { ExchangeWatch } from '../../recorder/exchange-watch.ts';
import { BodyCollector } from '../middlewares/body-collector.ts';
import type { OutgoingRequest } from '../middlewares/outgoing-request.ts';
import type { Mirror } from './choice.ts';
import type { Copies } from './copies.ts';

/** A request that mirrors get as well: its body is kept while it is sent, as far as any of them may have it. */
export class RequestCopy {
  readonly #request: OutgoingRequest;
  readonly #mirrors: readonly Mirror[];
  readonly #collector: BodyCollector;
  #body: Buffer | undefined;
  #tooLarge = false;

  /** `chunked`: how the bytes of the body come. `body`: it is known already. */
  constructor(request: OutgoingRequest, mirrors: readonly Mirror[], chunked: boolean, body: Buffer | undefined) {
    this.#request = request;
    this.#mirrors = mirrors;
    const most = Math.max(...mirrors.map(({ mirrorBody, maxBodyBytes }) => (mirrorBody ? maxBodyBytes : 0)));
    this.#collector = new BodyCollector(most, chunked);
    this.#body = body;
  }

  bodyBytes(bytes: Uint8Array): void {
    if (!this.#tooLarge && !this.#collector.push(bytes)) this.#tooLarge = true;
  }

  /** Once the request was sent whole and answered. */
  send(copies: Copies, watch: ExchangeWatch | undefined): void {
    const body = this.#tooLarge ? undefined : (this.#body ?? this.#collector.take());
    this.#body = undefined;
    copies.send(this.#request, body, this.#mirrors, watch);
  }
}
