import type { BrokerErrorCode } from './errors.ts';

/** The visitor's side of an exchange. */
export interface ExchangeVisitor {
  readonly blocked: boolean;
  onBurst(open: boolean): void;
  write(bytes: Uint8Array): void;
  pauseBody(): void;
  resumeBody(): void;
  /** The value of `Connection` for this response; the visitor remembers that it closes. */
  connectionHeader(closing: boolean): string | undefined;
  answer(code: BrokerErrorCode, detail?: string): void;
  /** The response is over. `broken`: it was cut, and the connection must show that. */
  finished(broken: boolean): void;
  upgraded(): void;
  endUpgraded(): void;
}
