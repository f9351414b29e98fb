import type { HeaderPair } from '../../shared/http1/header-list.ts';
import type { ExchangeRecord, Headers } from './exchange-record.ts';

/** A server that gets a request, as Traefik names its service. */
export interface WatchedServer {
  readonly service: string;
  readonly url: string;
}

/** A request of the gateway's own making that belongs to an exchange: to a mirror, or to who decides about the visitor. */
export interface WatchedAsk {
  /** What it says of the trace, in the place of fields of the same names. */
  readonly fields: readonly HeaderPair[];
  answered(status: number, headers: Headers): void;
  /** After an answer: nothing. */
  failed(reason: string): void;
}

/**
 * Hears of one exchange what its record does not keep, for logs, metrics and traces. An exchange has one only while
 * somebody asks for these.
 */
export interface ExchangeWatch {
  /** Of the trace that the exchange is part of; undefined when none is made. */
  readonly traceId: string | undefined;
  /** A server gets the request, as `method`. Returns what it is told of the trace; undefined: nothing. */
  sent(server: WatchedServer, method: string): readonly HeaderPair[] | undefined;
  /** The head of its answer. */
  answered(status: number, headers: Headers): void;
  /** Bytes of the body of its answer, with their framing, when middlewares may change them. */
  answerBytes(bytes: Uint8Array): void;
  /** Its answer is complete. */
  answerEnded(): void;
  /** It gave none; the gateway answers with this status. */
  failed(status: number, reason: string): void;
  /** The retry middleware tries once more. */
  retried(): void;
  /** Undefined when there is nothing to be told of the trace. */
  ask(name: 'AuthRequest' | 'ReverseProxy', method: string, url: string): WatchedAsk | undefined;
  requestBytes(bytes: Uint8Array): void;
  /** What the visitor gets. */
  responseHead(status: number, headers: Headers): void;
  responseBytes(bytes: Uint8Array): void;
  finished(record: ExchangeRecord): void;
}
