import {
  constants,
  createBrotliCompress,
  createGzip,
  createZstdCompress,
  type BrotliCompress,
  type Gzip,
  type ZstdCompress,
} from 'node:zlib';
import type { CompressConfig, Encoding } from '../../../shared/gateway/middleware.ts';
import type { HeaderPair } from '../../../shared/http1/header-list.ts';
import { chooseEncoding, namesGzip } from './accept-encoding.ts';
import { DechunkStream } from './dechunk-stream.ts';
import type { AnswerHead, AnswerSink, Call, Wrap } from './handler.ts';
import { mediaType } from './media-type.ts';
import { sniffType } from './sniff-type.ts';

type Compressor = Gzip | BrotliCompress | ZstdCompress;

const VARY: HeaderPair = ['Vary', 'Accept-Encoding'];
const ALWAYS_EXCLUDED = 'application/grpc';

/** Compresses answers for those who take them so. */
export function compress(config: CompressConfig): Wrap {
  const excluded = new Set([ALWAYS_EXCLUDED, ...config.excluded.map((type) => mediaType(type) ?? type)]);
  const included = new Set(config.included.map((type) => mediaType(type) ?? type));
  const takes = (type: string): boolean => (included.size > 0 ? included.has(type) : !excluded.has(type));

  return (next) => (call, sink) => {
    const { request } = call;
    const lines = request.headerValues('accept-encoding');
    const encoding =
      request.method === 'HEAD' || excluded.has(mediaType(request.header('content-type') ?? '') ?? '')
        ? undefined
        : lines.length === 0
          ? config.defaultEncoding
          : lines.length === 1 && lines[0] === ''
            ? undefined
            : chooseEncoding(lines, config.encodings, config.defaultEncoding);
    if (encoding === undefined) {
      next(call, sink);
      return;
    }
    const able = encoding !== 'gzip' || namesGzip(lines[0]);
    next(call, new CompressingSink(call, sink, { encoding, able, takes, minBytes: config.minBytes }));
  };
}

interface How {
  readonly encoding: Encoding;
  /** False: only `Vary` is told. */
  readonly able: boolean;
  readonly minBytes: number;
  takes(type: string): boolean;
}

class CompressingSink implements AnswerSink {
  readonly #call: Call;
  readonly #sink: AnswerSink;
  readonly #how: How;
  /** Waits for the first byte of a body whose length is not known: an empty one is not compressed. */
  #held: AnswerHead | undefined;
  #dechunk: DechunkStream | undefined;
  #compressor: Compressor | undefined;
  /** The body is passed on piece by piece as it comes. */
  #streaming = false;
  #full = false;

  constructor(call: Call, sink: AnswerSink, how: How) {
    this.#call = call;
    this.#sink = sink;
    this.#how = how;
  }

  head(head: AnswerHead): void {
    const { headers, framing } = head;
    const others = headers.getAll('vary').map((value): HeaderPair => ['Vary', value]);
    headers.remove('vary');
    headers.appendAll([VARY, ...others]);
    const length = framing === 'length' ? Number(headers.get('content-length') ?? '0') : undefined;
    const small = length !== undefined && length < this.#how.minBytes;
    if (!this.#how.able || framing === 'none' || small || !this.#may(head)) {
      this.#sink.head(head);
      return;
    }
    this.#held = head;
    this.#streaming = length === undefined;
    this.#dechunk = framing === 'chunked' ? new DechunkStream() : undefined;
  }

  body(bytes: Buffer): void {
    if (this.#held === undefined && this.#compressor === undefined && this.#dechunk === undefined) {
      this.#sink.body(bytes);
      return;
    }
    for (const part of this.#dechunk?.push(bytes) ?? [bytes]) {
      if (part.length === 0) continue;
      if (this.#held !== undefined) this.#start(this.#held, part);
      // The bytes are the connection's buffer, which is used again.
      if (this.#compressor === undefined) {
        this.#sink.body(part);
        continue;
      }
      if (!this.#compressor.write(Buffer.from(part)) && !this.#full) {
        this.#full = true;
        this.#call.hold();
      }
      if (this.#streaming) this.#compressor.flush(flushOf(this.#how.encoding));
    }
  }

  end(): void {
    if (this.#compressor !== undefined) {
      this.#compressor.end();
      return;
    }
    const held = this.#held;
    this.#held = undefined;
    // Nothing came: the end of its framing was taken off with the rest.
    if (held !== undefined) this.#sink.head(unframed(held));
    this.#sink.end();
  }

  #may({ headers, status }: AnswerHead): boolean {
    if (status === 204 || status === 304 || (headers.get('content-encoding') ?? '') !== '') return false;
    const type = headers.get('content-type') ?? '';
    if (this.#how.encoding !== 'gzip') {
      const known = mediaType(type);
      return type === '' || (known !== undefined && this.#how.takes(known));
    }
    if ((headers.get('content-range') ?? '') !== '' || headers.has('no-gzip-compression')) return false;
    return type === '' || this.#how.takes(mediaType(type) ?? '');
  }

  #start(head: AnswerHead, first: Buffer): void {
    this.#held = undefined;
    const { headers } = head;
    const { encoding } = this.#how;
    const plain = unframed(head);
    if (encoding === 'gzip' && !headers.has('content-type') && !this.#how.takes(mediaType(sniffType(first)) ?? '')) {
      this.#sink.head(plain);
      return;
    }
    headers.remove('content-length');
    if (encoding === 'gzip') headers.remove('accept-ranges');
    headers.set('Content-Encoding', encoding);
    const compressor = compressorOf(encoding);
    this.#compressor = compressor;
    this.#call.atEnd(() => compressor.destroy());
    compressor.on('data', (bytes: Buffer) => this.#sink.body(bytes));
    compressor.on('end', () => this.#sink.end());
    compressor.on('error', (error: Error) =>
      this.#call.breakOff(`the answer could not be compressed: ${error.message}`),
    );
    compressor.on('drain', () => {
      if (!this.#full) return;
      this.#full = false;
      this.#call.release();
    });
    this.#sink.head({ ...plain, framing: 'until-close' });
  }
}

/** The framing was taken off: the last one to write puts it on again. */
function unframed(head: AnswerHead): AnswerHead {
  if (head.framing !== 'chunked') return head;
  head.headers.remove('transfer-encoding');
  return { ...head, framing: 'until-close' };
}

function compressorOf(encoding: Encoding): Compressor {
  switch (encoding) {
    case 'gzip':
      return createGzip();
    case 'br':
      return createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 6 } });
    case 'zstd':
      return createZstdCompress();
  }
}

function flushOf(encoding: Encoding): number {
  switch (encoding) {
    case 'gzip':
      return constants.Z_SYNC_FLUSH;
    case 'br':
      return constants.BROTLI_OPERATION_FLUSH;
    case 'zstd':
      return constants.ZSTD_e_flush;
  }
}
