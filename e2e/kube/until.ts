import { setTimeout as wait } from 'node:timers/promises';

const LIMIT_MS = 30_000;

/** Polls where there is no event to wait for; fails with the name of what did not come. */
export async function until(what: string, is: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + LIMIT_MS;
  while (!(await is())) {
    if (Date.now() > end) throw new Error(`not within ${LIMIT_MS / 1000} s: ${what}`);
    await wait(50);
  }
}
