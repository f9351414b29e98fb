import type { HeaderPair } from '../../../shared/http1/header-list.ts';
import type { Headers } from '../../recorder/exchange-record.ts';
import { DechunkStream } from '../middlewares/dechunk-stream.ts';
import { headerValue } from './header-value.ts';

const NO_TRAILERS: readonly HeaderPair[] = [];

/** Counts the bytes of a body that comes with its framing. */
export class ByteCount {
  bytes = 0;
  readonly #dechunk: DechunkStream | undefined;

  /** `headers`: those that the body follows. */
  constructor(headers: Headers) {
    this.#dechunk =
      headerValue(headers, 'transfer-encoding')?.toLowerCase() === 'chunked' ? new DechunkStream() : undefined;
  }

  /** What came behind the body. */
  get trailers(): readonly HeaderPair[] {
    return this.#dechunk?.trailers ?? NO_TRAILERS;
  }

  add(bytes: Uint8Array): void {
    if (this.#dechunk === undefined) this.bytes += bytes.length;
    else for (const part of this.#dechunk.push(bytes)) this.bytes += part.length;
  }
}
