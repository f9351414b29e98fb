import { Http1Error } from './errors.ts';
import { FramingReader, requestFraming } from './framing.ts';
import type { HeaderList, HeaderPair } from './header-list.ts';
import type { RequestHead } from './message-head.ts';
import { MessageParser } from './message-parser.ts';
import type { Next } from './message-parser.ts';
import { parseRequestLine } from './parse-line.ts';
import type { RequestLine } from './parse-line.ts';

/** Around the target in a request line: the longest method, two spaces, the version, CRLF. */
const AROUND_TARGET = 32;

/** Requests of one connection, one after the other. Bytes after a request that closes the connection are dropped. */
export class RequestParser extends MessageParser<RequestHead> {
  #line: RequestLine = { method: '', target: '', version: '1.1' };
  #kept = this.#line;
  #keepAlive = true;
  readonly #framing = new FramingReader();

  protected get startLineLimit(): number {
    return this.limits.maxTargetBytes + AROUND_TARGET;
  }

  protected get skipsBlankLine(): boolean {
    return true;
  }

  protected onStartLine(line: Buffer, start: number, end: number): void {
    this.#line = parseRequestLine(line, start, end, this.limits.maxTargetBytes);
  }

  protected onSameStartLine(): void {
    this.#line = this.#kept;
  }

  protected onHeadKept(): void {
    this.#kept = this.#line;
  }

  protected onHeadEnd(headers: HeaderList, apart: readonly HeaderPair[]): Next {
    const { method, target, version } = this.#line;
    const read = this.#framing.of(headers, version);
    if (read.host === undefined && version === '1.1') throw new Http1Error('http1.missing-host');
    const framing = requestFraming(method, read);
    this.#keepAlive = read.keepAlive;
    this.handler.onHead({
      method,
      target,
      version,
      headers,
      apart,
      framing,
      keepAlive: read.keepAlive,
      expectContinue: read.expectContinue,
    });
    return framing;
  }

  protected onMessageEnd(): boolean {
    return this.#keepAlive;
  }
}
