import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { ControlClient } from '../lease/control-client.ts';

import { dialWebSocket, probeTcp } from './dial.ts';
import { ConnectProxy } from './testing/connect-proxy.ts';
import { TestBroker } from './testing/test-broker.ts';

/** Names that no resolver knows: only the proxy can lead there. */
let proxy: ConnectProxy;
let broker: TestBroker;

beforeEach(async () => {
  proxy = await ConnectProxy.start('ada:s:cret');
  broker = await TestBroker.start('b1');
  vi.stubEnv('HTTP_PROXY', `http://ada:s%3Acret@${proxy.address}`);
  vi.stubEnv('NO_PROXY', '');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await broker.kill();
  await proxy.stop();
});

const far = (): string => broker.record.tunnel.replace('127.0.0.1', 'broker.invalid');
const dial = (): ReturnType<typeof dialWebSocket> =>
  dialWebSocket({ url: far(), token: 'good', ca: undefined, signal: AbortSignal.timeout(10_000) });

test('a tunnel goes through the proxy, with its credentials', async () => {
  const channel = await dial();
  await expect.poll(() => broker.sessions.size).toBe(1);
  expect(proxy.asked).toEqual([
    {
      authority: new URL(far()).host,
      credentials: `Basic ${Buffer.from('ada:s:cret').toString('base64')}`,
    },
  ]);
  channel.destroy();
});

test('brokers are measured through the proxy', async () => {
  expect(await probeTcp(far(), 5_000)).toBeGreaterThan(0);
  expect(proxy.asked).toHaveLength(1);
});

test('a proxy that wants other credentials is named, and what to do, but no password', async () => {
  vi.stubEnv('HTTP_PROXY', `http://ada:wrong@${proxy.address}`);
  const failed = await dial().then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(failed).toMatchObject({
    code: 'proxy-refused',
    message: `the proxy ${proxy.address} answered 407 to CONNECT ${new URL(far()).host}`,
    hint: 'Put user and password into HTTPS_PROXY: http://USER:PASSWORD@HOST:PORT.',
  });
  expect(JSON.stringify(failed)).not.toContain('wrong');
});

test('a name in NO_PROXY is dialled directly', async () => {
  vi.stubEnv('NO_PROXY', '.invalid');
  await expect(dial()).rejects.toThrow(/ENOTFOUND|EAI_AGAIN/);
  expect(proxy.asked).toEqual([]);
});

test('calls to the control plane go through the proxy', async () => {
  const control = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ agentId: 'agt-1', secret: `for ${String(request.headers.host)}` }));
  });
  await new Promise<void>((resolve) => control.listen(0, '127.0.0.1', resolve));
  const { port } = control.address() as AddressInfo;
  const client = new ControlClient(`http://control.invalid:${port}`);
  const signal = AbortSignal.timeout(10_000);
  expect(await client.enrol('key', 'desk', signal)).toEqual({
    agentId: 'agt-1',
    secret: `for control.invalid:${port}`,
  });
  expect(proxy.asked.map(({ authority }) => authority)).toEqual([`control.invalid:${port}`]);
  client.close();
  control.closeAllConnections();
  await new Promise((resolve) => control.close(resolve));
});
