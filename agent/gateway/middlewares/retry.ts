import type { RetryConfig } from '../../../shared/gateway/middleware.ts';
import type { Wrap } from './handler.ts';

/** Pauses never grow beyond this. */
const MAX_PAUSE_MS = 60_000;

/** Tries again while no server is reached: what was sent to one is never sent again. */
export function retry({ attempts, initialIntervalMs }: RetryConfig): Wrap {
  const factor = attempts < 2 ? 1 : 2 ** (1 / (attempts - 1));
  return (next) => (call, sink) => {
    const attempt = (number: number, pauseMs: number): void => {
      let swallow = false;
      next(call, {
        head(head) {
          swallow = call.unreached && number < attempts;
          if (!swallow) sink.head(head);
        },
        body(bytes) {
          if (!swallow) sink.body(bytes);
        },
        end() {
          if (!swallow) {
            sink.end();
            return;
          }
          call.retried();
          // Half more or less, so that those who failed together do not come together again.
          const wait = initialIntervalMs > 0 ? pauseMs * (0.5 + Math.random()) : 0;
          call.after(wait, () => attempt(number + 1, Math.min(pauseMs * factor, MAX_PAUSE_MS)));
        },
      });
    };
    attempt(1, initialIntervalMs);
  };
}
