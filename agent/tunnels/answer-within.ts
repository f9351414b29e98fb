import type { Clock } from '../../shared/yamux/clock.ts';
import type { Session } from '../../shared/yamux/session.ts';

/** How often a process that was late itself asks again. */
const MAX_EXCUSES = 4;

/**
 * Pings, and calls `onSilent` unless the answer comes within `ms`. When this process was not running at that moment it
 * waits as long again: the answer may lie unread in the socket.
 */
export function answerWithin(session: Pick<Session, 'ping'>, ms: number, clock: Clock, onSilent: () => void): void {
  const asked = new AbortController();
  let cancel = (): void => undefined;
  let excuses = 0;
  const wait = (): void => {
    const dueAt = clock.now() + ms;
    cancel = clock.after(ms, () => {
      excuses += 1;
      if (clock.now() - dueAt > ms / 4 && excuses <= MAX_EXCUSES) wait();
      else asked.abort();
    });
  };
  wait();
  session.ping(asked.signal).then(
    () => cancel(),
    () => {
      cancel();
      onSilent();
    },
  );
}
