import { Http1Error } from './errors.ts';
import { FramingReader, responseFraming } from './framing.ts';
import type { HeaderList } from './header-list.ts';
import type { ResponseHead } from './message-head.ts';
import { MessageParser } from './message-parser.ts';
import type { Next } from './message-parser.ts';
import { parseStatusLine } from './parse-line.ts';
import type { StatusLine } from './parse-line.ts';

/**
 * Responses of one connection. `expect(method)` comes before each: bytes without an expected response are an error, so
 * that a connection out of step is never used again.
 */
export class ResponseParser extends MessageParser<ResponseHead> {
  #method: string | undefined;
  #line: StatusLine = { version: '1.1', status: 0, reason: '' };
  #kept = this.#line;
  #keepAlive = true;
  readonly #framing = new FramingReader();

  /** Names the method of the request whose response comes next. */
  expect(method: string): void {
    this.#method = method;
  }

  protected get startLineLimit(): number {
    return 4096;
  }

  protected get skipsBlankLine(): boolean {
    return false;
  }

  protected onStartLine(line: Buffer, start: number, end: number): void {
    if (this.#method === undefined) throw new Http1Error('http1.unsolicited');
    this.#line = parseStatusLine(line, start, end);
  }

  protected onSameStartLine(): void {
    if (this.#method === undefined) throw new Http1Error('http1.unsolicited');
    this.#line = this.#kept;
  }

  protected onHeadKept(): void {
    this.#kept = this.#line;
  }

  protected onHeadEnd(headers: HeaderList): Next {
    const { version, status, reason } = this.#line;
    const read = this.#framing.of(headers, version);
    const framing = responseFraming(this.#method ?? 'GET', status, read);
    const keepAlive = read.keepAlive && framing.kind !== 'until-close';
    const interim = status < 200 && status !== 101;
    // The final one could not follow.
    if (interim && !read.keepAlive) throw new Http1Error('http1.interim-closes');
    if (!interim) this.#keepAlive = keepAlive;
    this.handler.onHead({ status, reason, version, headers, framing, keepAlive });
    return interim ? { kind: 'head' } : framing;
  }

  protected onMessageEnd(): boolean {
    this.#method = undefined;
    return this.#keepAlive;
  }
}
