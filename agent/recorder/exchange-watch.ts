import type { HeaderPair } from '../../shared/http1/header-list.ts';
import type { ExchangeRecord, Headers } from './exchange-record.ts';

/** A server that gets a request. */
export interface WatchedServer {
  /** Traefik's name of the service that has it. */
  readonly service: string;
  readonly origin: string;
  /** With the path of its address. */
  readonly url: string;
}

/** A request of the gateway's own making. */
export interface WatchedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  /** Traefik's name of the service that it goes to, when it goes to one. */
  readonly service?: string | undefined;
}

/** What becomes of a request of the gateway's own making that belongs to an exchange. */
export interface WatchedAsk {
  /** What it says of the trace, in the place of fields of the same names; empty when nothing is to be told. */
  readonly fields: readonly HeaderPair[];
  answered(status: number, headers: Headers): void;
  /** Bytes of the body of its answer, with their framing. */
  answerBytes(bytes: Uint8Array): void;
  /** Nothing more comes of it. `reason`: why, for when it gave no answer. */
  ended(reason: string): void;
}

/**
 * Hears of one exchange what its record does not keep, for logs, metrics and traces. An exchange has one only while
 * somebody asks for these.
 */
export interface ExchangeWatch {
  /** Of the trace that the exchange is part of; undefined when none is made. */
  readonly traceId: string | undefined;
  /**
   * A server gets the request, as `method` and with this head. Returns what it is told of the trace; undefined: as in the
   * head.
   */
  sent(server: WatchedServer, method: string, head: Buffer): readonly HeaderPair[] | undefined;
  /** The head of its answer. */
  answered(status: number, headers: Headers): void;
  /** Bytes of the body of its answer, with their framing, when middlewares may change them. */
  answerBytes(bytes: Uint8Array): void;
  /** Its answer is complete, when middlewares may change it. */
  answerEnded(): void;
  /** It gave none; the gateway answers with this status. */
  failed(status: number, reason: string): void;
  /** The retry middleware tries once more. */
  retried(): void;
  /** To a mirror, or to who decides about the visitor. Undefined when nobody wants to know. */
  ask(name: 'AuthRequest' | 'ReverseProxy', request: WatchedRequest): WatchedAsk | undefined;
  requestBytes(bytes: Uint8Array): void;
  /** What the visitor gets. */
  responseHead(status: number, headers: Headers): void;
  /** With their framing. */
  responseBytes(bytes: Uint8Array): void;
  finished(record: ExchangeRecord): void;
}
