import type { InFlightReqConfig } from '../../../shared/gateway/middleware.ts';
import { callerKey } from './caller-address.ts';
import { answerWith, type Wrap } from './handler.ts';
import { plainAnswer } from './plain-answer.ts';

/** How many requests of each caller are under way. */
export class InFlight {
  readonly #counts = new Map<string, number>();

  enter(caller: string, most: number): boolean {
    const count = this.#counts.get(caller) ?? 0;
    if (count >= most) return false;
    this.#counts.set(caller, count + 1);
    return true;
  }

  leave(caller: string): void {
    const count = (this.#counts.get(caller) ?? 0) - 1;
    if (count > 0) this.#counts.set(caller, count);
    else this.#counts.delete(caller);
  }
}

export function inFlightReq({ amount, caller }: InFlightReqConfig, inFlight: InFlight): Wrap {
  const keyOf = callerKey(caller);
  return (next) => (call, sink) => {
    const key = keyOf(call.request);
    if (!inFlight.enter(key, amount)) {
      const text = `max connections reached: ${amount}`;
      answerWith(sink, plainAnswer(429, `${amount} requests of the caller are under way.`, { text }));
      return;
    }
    call.atEnd(() => inFlight.leave(key));
    next(call, sink);
  };
}
