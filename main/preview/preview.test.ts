import http, { type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WebSocketServer } from 'ws';
import type { AgentEvent, ExchangeSummary, PreviewStatus } from '../../shared/agent/api.ts';
import type { PreviewView } from '../../shared/contract/contract.ts';
import { fail, ok } from '../../shared/result/result.ts';
import { createPreview, type Preview } from './preview.ts';
import type { AgentAccess, StackPort, StackState } from './stack-port.ts';

const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 10_000, interval: 10 });

const status = (state: PreviewStatus['state'], revision = 1): PreviewStatus => ({
  state,
  hosts: state === 'off' ? [] : [{ host: 'shop.localhost', url: 'http://shop.localhost:1/', stands: null }],
  links: [],
  wanted: 3,
  config: { revision, routes: 1 },
  control: { reachable: true },
});
const exchangeOf = (seq: number): ExchangeSummary => ({
  seq,
  id: `x${seq}`,
  startedAt: '2026-01-01T00:00:00Z',
  method: 'GET',
  host: 'shop.localhost',
  target: '/',
  broker: 'b1',
  attempt: 1,
  requestBytes: 0,
  responseBytes: 0,
  status: 200,
});

/** The far side of `shared/agent/api.ts`, which does what a test says and keeps what it was told. */
interface Peer {
  readonly access: AgentAccess;
  readonly calls: string[];
  readonly overlays: unknown[];
  refuse: { status: number; body: unknown } | undefined;
  exchanges: ExchangeSummary[];
  tell(event: AgentEvent): void;
  cut(): void;
  close(): Promise<void>;
}

async function startPeer(pid: number): Promise<Peer> {
  const calls: string[] = [];
  const overlays: unknown[] = [];
  let current = status('off');
  const server = http.createServer((request, response) => {
    void (async () => {
      const name = `${request.method} ${request.url?.split('?')[0]}`;
      const body = await textOf(request);
      const say = (code: number, value?: unknown): void => {
        response
          .writeHead(code, { 'content-type': 'application/json' })
          .end(value === undefined ? '' : JSON.stringify(value));
      };
      if (request.headers.authorization !== 'Bearer t0ken') return say(401, { title: 'no' });
      calls.push(`${name} ${body}`.trim());
      if (peer.refuse !== undefined && name === 'PUT /v1/preview') return say(peer.refuse.status, peer.refuse.body);
      if (name === 'PUT /v1/preview') current = status('connecting');
      if (name === 'DELETE /v1/preview') current = status('off');
      if (name === 'PUT /v1/overlay') overlays.push((JSON.parse(body) as { files: unknown }).files);
      if (name === 'GET /v1/status' || name === 'PUT /v1/preview') return say(200, current);
      if (name === 'GET /v1/exchanges') {
        const after = Number(new URL(request.url ?? '', 'http://x').searchParams.get('after'));
        return say(200, {
          exchanges: peer.exchanges.filter(({ seq }) => seq > after),
          newest: peer.exchanges.at(-1)?.seq ?? 0,
        });
      }
      if (name.startsWith('GET /v1/exchanges/')) return say(404, { title: 'no such exchange' });
      return say(204);
    })();
  });
  const sockets = new WebSocketServer({ server, path: '/v1/events' });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const peer: Peer = {
    access: { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, token: 't0ken', pid },
    calls,
    overlays,
    refuse: undefined,
    exchanges: [],
    tell: (event) => {
      if (event.type === 'status') current = event.status;
      for (const client of sockets.clients) client.send(JSON.stringify(event));
    },
    cut: () => {
      for (const client of sockets.clients) client.terminate();
    },
    close: async () => {
      for (const client of sockets.clients) client.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return peer;
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

let peers: Peer[];
let peer: Peer;
let preview: Preview;
let views: PreviewView[];
let told: number[];
let drafts: Map<string, { text: string }>;
let stackListeners: Set<(state: StackState) => void>;
let agent: AgentAccess | undefined;
let startResult: () => ReturnType<StackPort['start']>;
let stopped: number;
const { signal } = new AbortController();

beforeEach(async () => {
  peer = await startPeer(100);
  peers = [peer];
  [views, told, drafts, stackListeners, agent, stopped] = [[], [], new Map(), new Set(), undefined, 0];
  startResult = async () => {
    agent = peer.access;
    return ok(peer.access);
  };
  const stack: StackPort = {
    start: () => startResult(),
    stop: async () => {
      stopped += 1;
      agent = undefined;
    },
    onState: (listener) => {
      stackListeners.add(listener);
      return () => stackListeners.delete(listener);
    },
    agent: () => agent,
    upstreams: () => ({ 'shop/pets': 'http://127.0.0.1:9/' }),
  };
  preview = createPreview({
    stack,
    drafts: () => drafts,
    onView: (view) => views.push(view),
    onTraffic: (exchanges) => told.push(...exchanges.map(({ seq }) => seq)),
    warn: () => undefined,
  });
});

afterEach(async () => {
  await preview.close();
  expect(stackListeners.size).toBe(0);
  await Promise.all(peers.map((one) => one.close()));
});

const stackSays = (state: StackState): void => {
  for (const listener of stackListeners) listener(state);
};

test('starts with unsaved text laid over the files, and becomes live when the agent says so', async () => {
  drafts.set('api.yaml', { text: 'kind: API' });
  const view = await preview.start('/shop');
  expect(view).toMatchObject({ state: 'connecting', agent: { running: true, pid: 100 } });
  const put = peer.calls.find((call) => call.startsWith('PUT /v1/preview')) ?? '';
  expect(JSON.parse(put.slice('PUT /v1/preview '.length))).toEqual({
    source: { kind: 'folder', dir: '/shop' },
    upstreams: { 'shop/pets': 'http://127.0.0.1:9/' },
  });
  expect(peer.calls.findIndex((call) => call.startsWith('PUT /v1/overlay'))).toBeLessThan(peer.calls.indexOf(put));
  expect(peer.overlays[0]).toEqual({ 'api.yaml': 'kind: API' });
  await until(() => expect(peer.calls).toContain('GET /v1/exchanges'));
  peer.tell({ type: 'status', status: status('live') });
  await until(() => expect(views.at(-1)).toMatchObject({ state: 'live', hosts: [{ host: 'shop.localhost' }] }));
  expect([...new Set(views.map(({ state }) => state))]).toEqual(['connecting', 'live']);
});

test('the newest unsaved text is what the agent has in the end', async () => {
  await preview.start('/shop');
  for (let index = 0; index <= 50; index += 1) {
    drafts.set('api.yaml', { text: `n: ${index}` });
    preview.draftsChanged();
  }
  await until(() => expect(peer.overlays.at(-1)).toEqual({ 'api.yaml': 'n: 50' }));
  expect(peer.overlays.length).toBeLessThan(20);
  drafts.clear();
  preview.draftsChanged();
  await until(() => expect(peer.overlays.at(-1)).toEqual({}));
});

test('traffic is told once, and what a lost connection missed is caught up', async () => {
  await preview.start('/shop');
  await until(() => expect(peer.calls).toContain('GET /v1/exchanges'));
  peer.exchanges = [exchangeOf(1), exchangeOf(2)];
  peer.tell({ type: 'exchanges', exchanges: peer.exchanges });
  await until(() => expect(told).toEqual([1, 2]));
  peer.cut();
  peer.exchanges.push(exchangeOf(3));
  await until(() => expect(told).toEqual([1, 2, 3]));
  expect(views.some((view) => view.error?.code === 'preview-agent-lost')).toBe(true);
  await until(() => expect(preview.view()).toMatchObject({ state: 'connecting' }));
  expect(preview.view().error).toBeUndefined();
  expect(await preview.trafficList(1, 10, signal)).toMatchObject({ ok: true, value: { newest: 3 } });
  expect(await preview.trafficGet('x9', signal)).toMatchObject({ ok: false, error: { code: 'traffic-not-found' } });
});

test('a restarted agent is given the preview and the unsaved text again', async () => {
  drafts.set('api.yaml', { text: 'mine' });
  await preview.start('/shop');
  const second = await startPeer(101);
  peers.push(second);
  agent = undefined;
  stackSays({ state: 'recovering', lastError: 'agent ended: SIGKILL' });
  await peer.close();
  await until(() =>
    expect(preview.view()).toMatchObject({
      state: 'connecting',
      agent: { running: false, lastError: 'agent ended: SIGKILL' },
    }),
  );
  agent = second.access;
  stackSays({ state: 'running', agent: second.access });
  await until(() => expect(second.calls.some((call) => call.startsWith('PUT /v1/preview'))).toBe(true));
  expect(second.overlays[0]).toEqual({ 'api.yaml': 'mine' });
  second.tell({ type: 'status', status: status('live') });
  await until(() => expect(preview.view()).toMatchObject({ state: 'live', agent: { pid: 101 } }));
});

test('what cannot start says why, and the next start works', async () => {
  startResult = async () => fail('port-in-use', 'the port 443 is taken', { hint: 'free it' });
  expect(await preview.start('/shop')).toMatchObject({
    state: 'failed',
    error: { code: 'port-in-use', hint: 'free it' },
  });
  startResult = async () => {
    agent = peer.access;
    return ok(peer.access);
  };
  peer.refuse = {
    status: 400,
    body: { title: 'The folder cannot be read', code: 'workspace-unreadable', detail: '/shop: permission denied' },
  };
  expect(await preview.start('/shop')).toMatchObject({
    state: 'failed',
    error: { code: 'workspace-unreadable', message: '/shop: permission denied' },
  });
  peer.refuse = undefined;
  expect(await preview.start('/shop')).toMatchObject({ state: 'connecting' });
  expect(preview.view().error).toBeUndefined();
});

test('processes that end for good are a failed preview with the last error line', async () => {
  await preview.start('/shop');
  stackSays({ state: 'failed', lastError: 'broker: out of memory' });
  expect(preview.view()).toMatchObject({
    state: 'failed',
    error: { code: 'preview-stack-failed', message: expect.stringContaining('out of memory') },
  });
});

test('stop during a start wins: the agent never gets the preview', async () => {
  const gate = Promise.withResolvers<void>();
  startResult = async () => {
    await gate.promise;
    agent = peer.access;
    return ok(peer.access);
  };
  const starting = preview.start('/shop');
  expect(preview.view().state).toBe('connecting');
  expect((await preview.stop()).state).toBe('off');
  gate.resolve();
  expect((await starting).state).toBe('off');
  expect(peer.calls.some((call) => call.startsWith('PUT /v1/preview'))).toBe(false);
});

test('stop gives the hosts back and keeps the traffic; close ends the processes', async () => {
  await preview.start('/shop');
  peer.exchanges = [exchangeOf(1)];
  expect((await preview.stop()).state).toBe('off');
  expect(peer.calls).toContain('DELETE /v1/preview');
  peer.tell({ type: 'status', status: status('live') });
  expect(await preview.trafficList(0, 10, signal)).toMatchObject({ ok: true, value: { exchanges: [{ seq: 1 }] } });
  expect(preview.view().state).toBe('off');
  await preview.close();
  expect(stopped).toBe(1);
});

test('without a preview there is no traffic, and that is no failure', async () => {
  expect(await preview.trafficList(0, 10, signal)).toEqual({ ok: true, value: { exchanges: [], newest: 0 } });
  expect(await preview.trafficClear(signal)).toEqual({ ok: true, value: {} });
  expect(await preview.trafficGet('x', signal)).toMatchObject({ ok: false, error: { code: 'preview-no-agent' } });
});
