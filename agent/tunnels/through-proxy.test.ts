import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { certificateAuthority } from '../gateway/testing/certificates.ts';
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

test('a password that cannot be read is named before anything is dialled', async () => {
  vi.stubEnv('HTTP_PROXY', `http://ada:100%sure@${proxy.address}`);
  await expect(dial()).rejects.toMatchObject({ code: 'proxy-invalid', hint: /%25/ });
  expect(proxy.asked).toEqual([]);
});

test('a broker that is named by its address is asked for a certificate of that address, not of the proxy', async () => {
  // No loopback address is proxied; the proxy leads this one to a port of this machine.
  const authority = await certificateAuthority();
  const tlsFor = (...names: { type: 'ip' | 'dns'; value: string }[]) => authority.issue(names);
  const own = await TestBroker.start('own', { tls: await tlsFor({ type: 'ip', value: '192.0.2.1' }) });
  const foreign = await TestBroker.start('foreign', {
    tls: await tlsFor({ type: 'ip', value: '127.0.0.1' }, { type: 'dns', value: 'localhost' }),
  });
  vi.stubEnv('HTTPS_PROXY', `http://ada:s%3Acret@${proxy.address}`);
  const dialAt = (to: TestBroker): ReturnType<typeof dialWebSocket> =>
    dialWebSocket({
      url: to.record.tunnel.replace('127.0.0.1', '192.0.2.1'),
      token: 'good',
      ca: authority.ca,
      signal: AbortSignal.timeout(10_000),
    });
  (await dialAt(own)).destroy();
  await expect(dialAt(foreign)).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  await Promise.all([own.kill(), foreign.kill()]);
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
