import type { HeaderList } from '../../../shared/http1/header-list.ts';
import type { ResponseHead } from '../../../shared/http1/message-head.ts';
import { ResponseParser } from '../../../shared/http1/response-parser.ts';
import type { Session } from '../../../shared/yamux/session.ts';
import type { YamuxStream } from '../../../shared/yamux/types.ts';

export interface Answer {
  readonly status: number;
  readonly head: ResponseHead;
  readonly interim: readonly number[];
  readonly body: Buffer;
  readonly trailers: HeaderList | undefined;
  header(name: string): string | undefined;
  json(): Record<string, unknown>;
}

export interface Ask {
  readonly method?: string;
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Sends the body in chunks of this many bytes. */
  readonly chunked?: number;
}

/** The broker's side of one kept stream: one request after the other, as a broker sends them. */
export class VisitorStream {
  readonly stream: YamuxStream;
  /** Settles when the stream is over. */
  readonly closed: Promise<Error | undefined>;
  #parser: ResponseParser;
  #pending: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | undefined;
  #head: ResponseHead | undefined;
  #interim: number[] = [];
  #trailers: HeaderList | undefined;
  #body: Buffer[] = [];
  #raw: ((bytes: Buffer) => void) | undefined;
  #onBody: ((bytes: Buffer) => void) | undefined;
  #drained: (() => void) | undefined;
  /** Received while on hold, not yet credited. */
  #held: number | undefined;

  constructor(session: Session) {
    this.stream = session.open();
    this.#parser = new ResponseParser(
      {
        onHead: (head) => {
          if (head.status < 200 && head.status !== 101) this.#interim.push(head.status);
          else this.#head = head;
        },
        onBody: (bytes) => {
          this.#onBody?.(bytes);
          this.#body.push(Buffer.from(bytes));
        },
        onTrailers: (trailers) => (this.#trailers = trailers),
        onComplete: () => this.#complete(),
        onError: (error) => this.#fail(error),
      },
      { decode: true },
    );
    const { promise, resolve } = Promise.withResolvers<Error | undefined>();
    this.closed = promise;
    this.stream.attach({
      onData: (bytes) => {
        if (this.#raw === undefined) this.#parser.push(bytes);
        else this.#raw(Buffer.from(bytes));
        if (this.#held === undefined) this.stream.consumed(bytes.length);
        else this.#held += bytes.length;
      },
      onEnd: () => this.#parser.end(),
      onDrain: () => this.#drained?.(),
      onClosed: (error) => {
        this.#fail(error ?? new Error('the stream ended'));
        resolve(error);
      },
    });
  }

  /** `onBody` sees parts of the body as they arrive. */
  async ask(target: string, ask: Ask = {}, onBody?: (bytes: Buffer) => void): Promise<Answer> {
    const answer = this.expect(ask.method ?? 'GET', onBody);
    const body = ask.body === undefined ? undefined : Buffer.from(ask.body);
    let head = `${ask.method ?? 'GET'} ${target} HTTP/1.1\r\nHost: ${ask.host ?? 'shop.preview.test'}\r\n`;
    for (const [name, value] of Object.entries(ask.headers ?? {})) head += `${name}: ${value}\r\n`;
    if (ask.chunked !== undefined) head += 'Transfer-Encoding: chunked\r\n';
    else if (body !== undefined) head += `Content-Length: ${body.length}\r\n`;
    this.stream.write(Buffer.from(`${head}\r\n`, 'latin1'));
    if (body !== undefined) await this.#sendBody(body, ask.chunked);
    return answer;
  }

  expect(method: string, onBody?: (bytes: Buffer) => void): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#pending = { resolve, reject };
    this.#interim = [];
    this.#trailers = undefined;
    this.#body = [];
    this.#onBody = onBody;
    this.#parser.expect(method);
    return promise;
  }

  /** Reads no more: gives the peer no credit until `release`. */
  hold(): void {
    this.#held ??= 0;
  }

  release(): void {
    const held = this.#held ?? 0;
    this.#held = undefined;
    this.stream.consumed(held);
  }

  /** After an upgrade: the bytes of the other protocol. */
  takeOver(onRaw: (bytes: Buffer) => void): void {
    this.#raw = onRaw;
    for (const bytes of this.#parser.takeRest()) onRaw(bytes);
  }

  async #sendBody(body: Buffer, chunked: number | undefined): Promise<void> {
    const step = chunked ?? 64 * 1024;
    for (let at = 0; at < body.length; at += step) {
      const part = body.subarray(at, at + step);
      const framed =
        chunked === undefined
          ? part
          : Buffer.concat([Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n')]);
      if (!this.stream.write(framed) && !this.stream.closed) {
        await new Promise<void>((resolve) => {
          this.#drained = resolve;
          void this.closed.then(() => resolve());
        });
      }
    }
    if (chunked !== undefined) this.stream.write(Buffer.from('0\r\n\r\n'));
  }

  #complete(): void {
    const head = this.#head;
    if (head === undefined) return;
    const body = Buffer.concat(this.#body);
    this.#head = undefined;
    this.#pending?.resolve({
      status: head.status,
      head,
      interim: this.#interim,
      trailers: this.#trailers,
      body,
      header: (name) => head.headers.get(name),
      json: () => JSON.parse(body.toString()) as Record<string, unknown>,
    });
    this.#pending = undefined;
  }

  #fail(error: Error): void {
    this.#pending?.reject(error);
    this.#pending = undefined;
  }
}
