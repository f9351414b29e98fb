import type { HeaderList, HeaderPair } from './header-list.ts';

export type HttpVersion = '1.0' | '1.1';

/** How the end of a message is found (RFC 9112 §6.3). */
export interface RequestFraming {
  /**
   * `upgrade`: CONNECT, or a bodiless HTTP/1.1 request with `Connection: upgrade`: what follows depends on the answer,
   * so the parser waits for `resume()` (refused: the next request) or `takeRest()` (granted: other protocol).
   */
  readonly kind: 'none' | 'length' | 'chunked' | 'upgrade';
  readonly length?: number;
}

export interface RequestHead {
  method: string;
  target: string;
  version: HttpVersion;
  headers: HeaderList;
  /** Fields that the parser was told to keep apart, in their order. */
  apart?: readonly HeaderPair[];
  framing: RequestFraming;
  /** Whether the sender lets the connection live after this message. */
  keepAlive: boolean;
  expectContinue: boolean;
}

export interface ResponseFraming {
  readonly kind: 'none' | 'length' | 'chunked' | 'until-close' | 'upgrade';
  readonly length?: number;
}

export interface ResponseHead {
  /** 100 to 999. A head with a status below 200 other than 101 is followed by another head, without `onComplete`. */
  status: number;
  reason: string;
  version: HttpVersion;
  headers: HeaderList;
  framing: ResponseFraming;
  keepAlive: boolean;
}
