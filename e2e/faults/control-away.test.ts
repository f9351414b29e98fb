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

test('without the control plane previews serve on, and an agent that restarts serves the same host with its cached token', async () => {
  const parts = await startParts(upstream.url);
  try {
    await parts.control.stop('SIGKILL');
    await parts.agent.line((line) => line.event === 'control-unreachable');
    const load = startSteadyLoad({ address: parts.edge.address, host: parts.host, perSecond: 200 });
    await until('a second of load', () => load.answered >= 200);
    expect(await load.stop()).toMatchObject({ failures: [] });

    await parts.restartAgent();
    await until('all links are up', async () => (await parts.status()).state === 'live');
    expect((await parts.status()).hosts.map(({ host }) => host)).toEqual([parts.host]);
    for (const { address } of [parts.edge, ...parts.brokers]) expect((await get(address, parts.host)).status).toBe(200);
  } finally {
    await parts.stop();
  }
});
