import type { RequestHead } from '../shared/http1/message-head.ts';
import type { ConnectionFacts } from './connection-facts.ts';
import type { BrokerErrorCode } from './errors.ts';
import type { ExchangeRequest } from './exchange.ts';

/** What a listener does with a request: pass it on, refuse it, or answer it itself. */
export type Admission =
  | { readonly kind: 'forward'; readonly request: ExchangeRequest }
  | { readonly kind: 'refuse'; readonly code: BrokerErrorCode; readonly detail?: string; readonly requestId?: string }
  | { readonly kind: 'local'; respond(out: LocalResponse): void };

/** For answers that a listener makes itself. The connection closes after each. */
export interface LocalResponse {
  send(status: number, contentType: string, body: string | Buffer): void;
  /** Starts server-sent events; `closed` is called once when the other side is gone. */
  stream(closed: () => void): { write(text: string): void; end(): void };
}

/** The rules of one listener. */
export interface Entrance {
  /** True when other brokers come in here: they are told which answers are our own. */
  readonly toPeer: boolean;
  admit(head: RequestHead, connection: ConnectionFacts): Admission;
}
