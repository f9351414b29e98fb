import type { RateLimitConfig } from '../../../shared/gateway/middleware.ts';
import type { HeaderPair } from '../../../shared/http1/header-list.ts';
import { callerKey } from './caller-address.ts';
import { goDuration } from './go-duration.ts';
import { answerWith, type Wrap } from './handler.ts';
import { plainAnswer } from './plain-answer.ts';
import type { TokenBuckets } from './token-bucket.ts';

export function rateLimit({ average, caller }: RateLimitConfig, buckets: TokenBuckets): Wrap {
  const keyOf = callerKey(caller);
  return (next) => {
    if (average === 0) return next;
    return (call, sink) => {
      const { delayMs, allowed } = buckets.take(keyOf(call.request));
      if (!allowed) {
        const headers: HeaderPair[] = [
          ['Retry-After', String(Math.ceil(delayMs / 1000))],
          ['X-Retry-In', goDuration(delayMs)],
        ];
        answerWith(sink, plainAnswer(429, 'The caller has used up the rate limit.', { headers }));
      } else if (delayMs > 0) call.after(delayMs, () => next(call, sink));
      else next(call, sink);
    };
  };
}
