import type { CircuitBreakerConfig } from '../../../shared/gateway/middleware.ts';
import { breakerFunctions, parsePredicate, type Predicate } from '../../../shared/gateway/predicate-expression.ts';
import { AgentError } from '../../errors.ts';
import { CallMetrics } from './call-metrics.ts';
import { answerWith, type Wrap } from './handler.ts';
import { plainAnswer } from './plain-answer.ts';

type State =
  | { readonly name: 'closed' }
  | { readonly name: 'open'; readonly untilMs: number }
  /** Lets a growing part of the calls through, up to a half. */
  | { readonly name: 'recovering'; readonly sinceMs: number; allowed: number; denied: number };

/** Watches what becomes of calls, and stops them while they would fail. One transition a method. */
export class Breaker {
  readonly #config: CircuitBreakerConfig;
  readonly #clock: () => number;
  readonly #metrics: CallMetrics;
  readonly #condition: Predicate;
  #state: State = { name: 'closed' };
  #nextCheckMs = -Infinity;

  /** Throws AgentError `config-refused` for an expression that is none. */
  constructor(config: CircuitBreakerConfig, clock: () => number) {
    this.#config = config;
    this.#clock = clock;
    this.#metrics = new CallMetrics(clock);
    const condition = parsePredicate(config.expression, breakerFunctions);
    if (typeof condition !== 'function')
      throw new AgentError(
        'config-refused',
        `Middleware ${config.source.namespace}/${config.source.name}: ${condition.problem}.`,
      );
    this.#condition = condition;
  }

  get clock(): () => number {
    return this.#clock;
  }

  lets(): boolean {
    const now = this.#clock();
    if (this.#state.name === 'open' && now >= this.#state.untilMs) this.#recover(now);
    if (this.#state.name === 'recovering' && now > this.#state.sinceMs + this.#config.recoveryMs) this.#close();
    if (this.#state.name === 'closed') return true;
    return this.#state.name === 'recovering' && this.#letsPart(this.#state, now);
  }

  /** A call that was let through is over. */
  record(status: number, tookMs: number): void {
    this.#metrics.record(status, tookMs);
    const now = this.#clock();
    if (now <= this.#nextCheckMs) return;
    this.#nextCheckMs = now + this.#config.checkPeriodMs;
    if (this.#state.name !== 'open' && this.#condition(this.#valueOf)) this.#open(now);
  }

  #open(now: number): void {
    this.#state = { name: 'open', untilMs: now + this.#config.fallbackMs };
    this.#metrics.reset();
  }

  #recover(now: number): void {
    this.#state = { name: 'recovering', sinceMs: now, allowed: 0, denied: 0 };
  }

  #close(): void {
    this.#state = { name: 'closed' };
  }

  #letsPart(state: Extract<State, { name: 'recovering' }>, now: number): boolean {
    const wanted = (0.5 * (now - state.sinceMs)) / this.#config.recoveryMs;
    const lets = (state.allowed + 1) / (state.allowed + 1 + state.denied) < wanted;
    if (lets) state.allowed += 1;
    else state.denied += 1;
    return lets;
  }

  readonly #valueOf = (name: string, [a = 0, b = 0, c = 0, d = 0]: readonly number[]): number => {
    if (name === 'NetworkErrorRatio') return this.#metrics.networkErrorRatio();
    return name === 'ResponseCodeRatio'
      ? this.#metrics.responseCodeRatio(a, b, c, d)
      : this.#metrics.latencyAtQuantileMs(a);
  };
}

export function circuitBreaker({ status, expression }: CircuitBreakerConfig, breaker: Breaker): Wrap {
  return (next) => (call, sink) => {
    if (!breaker.lets()) {
      answerWith(sink, plainAnswer(status, `The circuit breaker is open (${expression}).`));
      return;
    }
    const startedMs = breaker.clock();
    let seen: number | undefined;
    let recorded = false;
    const record = (of: number): void => {
      if (recorded) return;
      recorded = true;
      breaker.record(of, breaker.clock() - startedMs);
    };
    // A visitor who goes away before there is an answer counts as Traefik counts him; one who goes later does not.
    call.atEnd(() => {
      if (seen === undefined) record(499);
    });
    next(call, {
      head(head) {
        seen = head.status;
        sink.head(head);
      },
      body: (bytes) => sink.body(bytes),
      end() {
        record(seen ?? 200);
        sink.end();
      },
    });
  };
}
