import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { autobahn, freePort, Suite, TESTED, type Verdicts } from './autobahn.ts';
import { echoTo, firstMessage, startEchoServer } from './echo-peer.ts';

/**
 * Everything but UTF-8 inside text messages (6), which a carrier of bytes does not look at, and compression (12, 13),
 * which it never agrees to.
 */
const CASES = ['1.*', '2.*', '3.*', '4.*', '5.*', '7.*', '9.*', '10.*'];
const SPEC = { cases: CASES, 'exclude-cases': [], 'exclude-agent-cases': {}, options: { failByDrop: false } };
/** What the suite counts as conforming; the other two are verdicts on matters that the RFC leaves open. */
const GOOD = new Set(['OK', 'NON-STRICT', 'INFORMATIONAL']);
const MINUTES = 60_000;

const found = await autobahn();
const wstest = found ?? { command: '', args: [] };

describe.skipIf(found === undefined)('the public conformance suite', () => {
  it('finds nothing wrong with our server', { timeout: 5 * MINUTES }, async () => {
    await using server = await startEchoServer();
    const servers = [{ agent: TESTED, url: `ws://127.0.0.1:${server.port}`, options: { version: 18 } }];
    await using suite = await Suite.start(wstest, 'fuzzingclient', { ...SPEC, servers });
    await suite.finished();
    judge(await suite.verdicts());
  });

  it('finds nothing wrong with our client', { timeout: 5 * MINUTES }, async () => {
    const port = await freePort();
    const url = `ws://127.0.0.1:${port}`;
    await using suite = await Suite.start(wstest, 'fuzzingserver', { ...SPEC, url });
    await expect.poll(() => accepts(port), { timeout: MINUTES, interval: 100 }).toBe(true);
    const signal = AbortSignal.timeout(5 * MINUTES);
    const count = Number(await firstMessage(`${url}/getCaseCount`, signal));
    for (let index = 1; index <= count; index++)
      // One after the other: the suite plays each case for itself.
      // oxlint-disable-next-line no-await-in-loop
      await echoTo(`${url}/runCase?case=${index}&agent=${TESTED}`, signal);
    await echoTo(`${url}/updateReports?agent=${TESTED}`, signal);
    judge(await suite.verdicts());
  });
});

function judge(verdicts: Verdicts): void {
  const cases = Object.entries(verdicts);
  const bad = cases.filter(([, verdict]) => !GOOD.has(verdict.behavior) || !GOOD.has(verdict.behaviorClose));
  expect(bad).toEqual([]);
  // All were played: sections 1 to 5, 7, 9 and 10 of 0.8.2.
  expect(cases.length).toBeGreaterThan(150);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      resolve(true);
      socket.destroy();
    });
    socket.once('error', () => resolve(false));
  });
}
