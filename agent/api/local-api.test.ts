import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import WebSocket from 'ws';
import { agentEvent, exchangeList, previewStatus } from '../../shared/agent/api.ts';
import { PreviewAgent } from '../agent.ts';
import { Mask } from '../recorder/mask.ts';
import { localApi, type LocalApi } from './local-api.ts';

const token = 'a-token';
let stateDir: string;
let agent: PreviewAgent;
let api: LocalApi;
let stops: EventTarget;

beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'adit-agent-'));
  agent = new PreviewAgent({
    stateDir,
    version: '0.0.0',
    wanted: 3,
    log: pino({ level: 'silent' }),
    onEvent: () => {},
  });
  stops = new EventTarget();
  api = await localApi({
    host: '127.0.0.1',
    port: 0,
    token,
    agent,
    onStop: () => stops.dispatchEvent(new Event('stop')),
  });
});
afterEach(async () => {
  await agent.close({ graceMs: 0 });
  await api.close();
  await rm(stateDir, { recursive: true });
});

async function call(method: string, path: string, options: { headers?: Record<string, string>; body?: string } = {}) {
  const [host = '', port = ''] = api.address.split(':');
  const headers = {
    authorization: `Bearer ${token}`,
    ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
    ...options.headers,
  };
  const sent = request({ host, port, method, path, headers });
  sent.end(options.body);
  const [response] = await once(sent, 'response');
  let text = '';
  for await (const part of response) text += String(part);
  return {
    status: Number(response.statusCode),
    json: (text === '' ? undefined : JSON.parse(text)) as Record<string, unknown> | undefined,
  };
}

test('the token, a loopback Host and no Origin are needed, for calls and for events', async () => {
  const codes = async (headers: Record<string, string>) => {
    const answer = await call('GET', '/v1/status', { headers });
    const socket = new WebSocket(`ws://${api.address}/v1/events`, {
      headers: { authorization: `Bearer ${token}`, ...headers },
    });
    const [, upgrade] = await once(socket, 'unexpected-response');
    return [answer.status, answer.json?.['code'], upgrade.statusCode];
  };
  expect(await codes({ authorization: '' })).toEqual([401, 'api-unauthorized', 401]);
  expect(await codes({ authorization: 'Bearer a-tokeN' })).toEqual([401, 'api-unauthorized', 401]);
  expect(await codes({ host: 'evil.example' })).toEqual([403, 'api-host', 403]);
  expect(await codes({ host: '127.0.0.1.evil.example' })).toEqual([403, 'api-host', 403]);
  expect(await codes({ origin: `http://${api.address}` })).toEqual([403, 'api-origin', 403]);
  expect((await call('GET', '/v1/status', { headers: { host: 'localhost:1' } })).status).toBe(200);
});

test('a refused upgrade whose client keeps his side open keeps nothing', async () => {
  const [host = '', port = ''] = api.address.split(':');
  const client = connect({ host, port: Number(port), allowHalfOpen: true });
  client.on('error', () => {});
  client.write(`GET /v1/events HTTP/1.1\r\nHost: ${api.address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
  let text = '';
  client.on('data', (part: Buffer) => (text += part.toString()));
  await once(client, 'end');
  expect(text).toMatch(/^HTTP\/1\.1 401 /);
  // Waits for every connection.
  await api.close();
  client.destroy();
});

test('it answers the documented shapes and refuses others', async () => {
  expect(previewStatus.parse((await call('GET', '/v1/status')).json).state).toBe('off');
  agent.recorder
    .begin({ id: 'x', method: 'GET', host: 'h', target: '/', headers: [], broker: 'b', attempt: 1, mask: new Mask() })
    .finish();
  expect(exchangeList.parse((await call('GET', '/v1/exchanges?after=0&limit=5')).json).newest).toBe(1);
  expect((await call('GET', '/v1/exchanges/x')).json?.['id']).toBe('x');
  expect((await call('DELETE', '/v1/exchanges')).status).toBe(204);
  const missing = await call('GET', '/v1/exchanges/x');
  expect([missing.status, missing.json?.['code']]).toEqual([404, 'api-missing']);
  expect((await call('GET', '/v1/exchanges?limit=0')).json?.['code']).toBe('api-input');
  expect((await call('PUT', '/v1/preview', { body: '{' })).json?.['code']).toBe('api-input');
  expect((await call('PUT', '/v1/preview', { body: '{"source":{"kind":"url","url":"ftp://x"}}' })).json?.['code']).toBe(
    'api-input',
  );
  const noControl = await call('PUT', '/v1/preview', { body: '{"source":{"kind":"url","url":"http://127.0.0.1:1"}}' });
  expect([noControl.status, noControl.json?.['code']]).toEqual([409, 'no-control']);
  expect((await call('PUT', '/v1/overlay', { body: '{"files":{"a.yaml":"x"}}' })).status).toBe(204);
  expect((await call('PUT', '/v1/preview', { body: `{"x":"${'x'.repeat(300_000)}"}` })).status).toBe(400);
  expect((await call('GET', '/nothing')).json?.['code']).toBe('api-missing');
});

test('events begin with the status and tell of exchanges', async () => {
  const socket = new WebSocket(`ws://${api.address}/v1/events`, { headers: { authorization: `Bearer ${token}` } });
  const [first] = await once(socket, 'message');
  expect(agentEvent.parse(JSON.parse(String(first)))).toMatchObject({ type: 'status', status: { state: 'off' } });
  agent.recorder.begin({
    id: 'x',
    method: 'GET',
    host: 'h',
    target: '/',
    headers: [],
    broker: 'b',
    attempt: 1,
    mask: new Mask(),
  });
  const [second] = await once(socket, 'message');
  expect(agentEvent.parse(JSON.parse(String(second)))).toMatchObject({
    type: 'exchanges',
    exchanges: [{ id: 'x', seq: 1 }],
  });
  socket.close();
  await once(socket, 'close');
});

test('a client that does not read is dropped, the others hear on', async () => {
  const open = async (): Promise<WebSocket> => {
    const socket = new WebSocket(`ws://${api.address}/v1/events`, { headers: { authorization: `Bearer ${token}` } });
    await once(socket, 'message');
    return socket;
  };
  const slow = await open();
  const reader = await open();
  let heard = 0;
  reader.on('message', () => (heard += 1));
  slow.pause();
  const target = `/${'x'.repeat(60_000)}`;
  const closed = once(slow, 'close');
  for (let batch = 0; batch < 40; batch++) {
    const before = heard;
    for (let n = 0; n < 10; n++) {
      agent.recorder.begin({
        id: 'x',
        method: 'GET',
        host: 'h',
        target,
        headers: [],
        broker: 'b',
        attempt: 1,
        mask: new Mask(),
      });
    }
    await expect.poll(() => heard, { interval: 5 }).toBeGreaterThan(before);
  }
  slow.resume();
  await closed;
  expect(reader.readyState).toBe(WebSocket.OPEN);
  reader.terminate();
});

test('stop is answered before it happens', async () => {
  const stopped = once(stops, 'stop');
  expect((await call('POST', '/v1/stop')).status).toBe(202);
  await stopped;
});
