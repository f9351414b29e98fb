import { afterAll, beforeAll, expect, test } from 'vitest';
import { get } from '../support/http-load.ts';
import { startMixedUpstream, type MixedUpstream } from '../support/mixed-upstream.ts';
import { startParts } from '../support/parts.ts';
import { until } from '../support/running-stack.ts';
import { startSteadyLoad } from '../support/steady-load.ts';

let upstream: MixedUpstream;
beforeAll(async () => {
  upstream = await startMixedUpstream();
});
afterAll(() => upstream.stop());

test(
  'a restarted agent serves without the control plane until its cached token expires, says so, and serves again with the control plane',
  { timeout: 240_000 },
  async () => {
    const parts = await startParts(upstream.url, { controlOptions: ['--token-seconds', '60'] });
    try {
      await parts.control.stop('SIGKILL');
      await parts.restartAgent();
      const live = async (): Promise<boolean> => (await parts.status()).state === 'live';
      await until('all links are up', live);
      const load = startSteadyLoad({ address: parts.edge.address, host: parts.host, perSecond: 50 });
      await until('the load runs', () => load.answered >= 50);
      expect(parts.agent.lines.filter(({ event }) => event === 'token-expired')).toEqual([]);
      expect(await load.stop()).toMatchObject({ failures: [] });

      await until('the token expires', () => parts.agent.lines.some(({ event }) => event === 'token-expired'), 90_000);
      const expired = await parts.agent.line(({ event }) => event === 'token-expired');
      const noLink = async (): Promise<boolean> => (await parts.status()).links.every(({ state }) => state !== 'up');
      await until('no link is up', noLink);
      const closedAfterMs = Date.now() - Date.parse(String(expired['at']));
      expect(expired['message']).toMatch(/^the tunnel token expired at \S+ and was not renewed: .*does not answer/);
      expect(await parts.status()).toMatchObject({ state: 'failed', error: { code: 'token-expired' } });
      await until('visitors are told', async () => (await get(parts.edge.address, parts.host)).status === 503);
      console.log(`token expiry: no link is up ${closedAfterMs} ms after the end of the token`);

      await parts.restartControl();
      await until('all links are up again', live, 60_000);
      await until('visitors are served', async () => (await get(parts.edge.address, parts.host)).status === 200);
      expect((await parts.status()).error).toBeUndefined();
    } finally {
      await parts.stop();
    }
  },
);
