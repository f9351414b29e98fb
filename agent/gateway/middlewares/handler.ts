import { HeaderList, type HeaderPair } from '../../../shared/http1/header-list.ts';
import type { ErrorCode } from '../../errors.ts';
import type { OwnAnswer } from '../own-answer.ts';
import type { CollectedAnswer, PlainRequest } from './collect-answer.ts';
import type { OutgoingRequest } from './outgoing-request.ts';

/** The head of an answer on its way to the visitor. */
export interface AnswerHead {
  status: number;
  reason: string;
  headers: HeaderList;
  /**
   * How the bytes of the body come: `chunked` with their framing, else bare. `until-close`: the length is not known, and
   * the last one to write frames them.
   */
  framing: 'none' | 'length' | 'chunked' | 'until-close';
  /** Of the gateway itself: why, for the recorder. */
  verdict?: ErrorCode | undefined;
  detail?: string | undefined;
}

/** Who gets an answer: one head, then bytes, then the end. What breaks off in between ends the whole exchange. */
export interface AnswerSink {
  head(head: AnswerHead): void;
  body(bytes: Buffer): void;
  end(): void;
}

/** A request under way, for middlewares that wait, count, read bodies or ask others. */
export interface Call {
  readonly request: OutgoingRequest;
  /** The exchange is over: nothing that is sent has a reader. */
  readonly over: boolean;
  /** The length that the visitor announced; undefined when it is not known before the end. */
  readonly bodyLength: number | undefined;
  /** The try before could not reach its server, so that nothing of the request was sent. */
  readonly unreached: boolean;
  /** Reads the whole body of the request, which is then sent from memory; asked again, gives the same. */
  readBody(maxBytes: number, done: (body: Buffer | 'too-large') => void): void;
  /** Sends the request to the service of the route, or to the one of this key of the configuration. */
  forward(sink: AnswerSink, other?: { readonly service: string; readonly request: OutgoingRequest }): void;
  /** Asks another server, beside. Cancelled with the exchange. */
  ask(request: PlainRequest, done: (answer: CollectedAnswer | Error) => void): void;
  /** Runs once when the exchange is over, whatever its end. */
  atEnd(run: () => void): void;
  /** Runs later, unless the exchange is over before. */
  after(ms: number, run: () => void): void;
  /** The call is refused behind its plan, so that it costs nothing: what it took is given back, once. */
  refund(): void;
  /** The request is tried once more, as the manifests say. */
  retried(): void;
  /** Lets the upstream wait, until as many times released. */
  hold(): void;
  release(): void;
  /** The answer cannot be completed. */
  breakOff(reason: string): void;
  /** Takes nothing more of the answer under way from upstream. */
  drop(): void;
}

export type Handler = (call: Call, sink: AnswerSink) => void;

/** A middleware that is more than a `HeadStep`: wraps what is behind it, once for each configuration. */
export type Wrap = (next: Handler) => Handler;

/** An answer of the gateway itself. */
export function answerWith(sink: AnswerSink, answer: OwnAnswer): void {
  const { status, verdict, detail, body } = answer;
  const length: HeaderPair = ['Content-Length', String(body.length)];
  const headers = new HeaderList([...answer.headers, length]);
  sink.head({ status, reason: '', headers, framing: 'length', verdict, detail });
  if (body.length > 0) sink.body(body);
  sink.end();
}
