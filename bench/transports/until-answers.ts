import { request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';

const TRY_MS = 200;
const PAUSE_MS = 2;

/** ms until a GET on a connection of its own is answered with 200; undefined when none is within `withinMs`. */
export async function untilAnswers(
  url: string,
  withinMs: number,
  headers: Readonly<Record<string, string>> = {},
): Promise<number | undefined> {
  const started = performance.now();
  while (performance.now() - started < withinMs) {
    if ((await statusOf(url, headers)) === 200) return performance.now() - started;
    await wait(PAUSE_MS);
  }
  return undefined;
}

function statusOf(url: string, headers: Readonly<Record<string, string>>): Promise<number | undefined> {
  return new Promise((resolve) => {
    const sent = request(url, { agent: false, timeout: TRY_MS, headers }, (response) => {
      response.on('error', () => resolve(undefined));
      response.on('end', () => resolve(response.statusCode)).resume();
    });
    sent.on('timeout', () => sent.destroy());
    sent.on('error', () => resolve(undefined));
    sent.on('close', () => resolve(undefined));
    sent.end();
  });
}
