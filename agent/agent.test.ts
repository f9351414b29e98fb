import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { PreviewEvent } from '../shared/process/lines.ts';
import { closeServer, listen, mirror } from './gateway/testing/gateway-under-test.ts';
import { VisitorStream, type Answer } from './gateway/testing/visitor.ts';
import { startAgent, type Agent } from './index.ts';
import { controlProcess, ENROLMENT_KEY, type ControlProcess } from './lease/testing/control-process.ts';
import { TestBroker } from './tunnels/testing/test-broker.ts';

let folder: string;
let workspace: string;
let control: ControlProcess;
let brokers: TestBroker[];
let upstream: Server;
let url: string;
let agents: Agent[];
let events: PreviewEvent[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'adit-agent-'));
  workspace = await mkdtemp(join(tmpdir(), 'adit-workspace-'));
  control = await controlProcess(join(folder, 'control.db'));
  brokers = await Promise.all(['b1', 'b2', 'b3'].map((id) => TestBroker.start(id)));
  for (const broker of brokers) await control.heartbeat(broker.record);
  upstream = createServer(mirror);
  url = await listen(upstream);
  agents = [];
  events = [];
});
afterEach(async () => {
  await Promise.all(agents.map((agent) => agent.close({ graceMs: 0 })));
  await Promise.all(brokers.map((broker) => broker.kill()));
  await control.kill();
  await closeServer(upstream);
  await rm(folder, { recursive: true });
  await rm(workspace, { recursive: true });
});

async function start(log = pino({ level: 'silent' })): Promise<Agent> {
  const agent = await startAgent({
    token: 't',
    stateDir: join(folder, 'state'),
    control: { url: control.url, enrolmentKey: ENROLMENT_KEY },
    log,
    onEvent: (event) => events.push(event),
  });
  agents.push(agent);
  return agent;
}

function manifests(path: string, host?: string): string {
  return `apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { ports: [{ port: 80 }] }
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: web, namespace: shop }
spec:
  rules:
    - ${host === undefined ? '' : `host: ${host}\n      `}http:
        paths:
          - { path: ${path}, pathType: Prefix, backend: { service: { name: web, port: { number: 80 } } } }
`;
}
const edit = (text: string): Promise<void> => writeFile(join(workspace, 'routes.yaml'), text);
const request = () => ({ source: { kind: 'folder' as const, dir: workspace }, upstreams: { 'shop/web': url } });

/** As a broker asks: over a stream of its session, for the preview host. */
async function ask(broker: TestBroker, host: string, target: string): Promise<Answer> {
  const visitor = new VisitorStream(broker.only().session);
  const answer = await visitor.ask(target, { host });
  visitor.stream.end();
  return answer;
}

async function live(agent: Agent): Promise<string> {
  await expect.poll(() => agent.status().state, { timeout: 15_000 }).toBe('live');
  return agent.status().hosts[0]?.host ?? '';
}

test('a folder is served over every link, and an edit becomes live without a new host', async () => {
  await writeFile(join(workspace, 'adit.yaml'), 'name: shop\nnamespace: shop\n');
  await edit(manifests('/one', 'shop.example.com'));
  const agent = await start();
  await agent.startPreview(request());
  const host = await live(agent);
  expect(host).toMatch(/^shop-/);
  expect(agent.status().hosts).toEqual([{ host, url: expect.stringContaining(host), stands: 'shop.example.com' }]);
  for (const broker of brokers) {
    const answer = await ask(broker, host, '/one/x');
    expect([answer.status, (answer.json() as { headers: { host: string } }).headers.host]).toEqual([
      200,
      'shop.example.com',
    ]);
  }
  const [broker] = brokers;
  if (broker === undefined) throw new Error('there is no broker');
  expect((await ask(broker, host, '/two')).status).toBe(404);
  await edit(manifests('/two', 'other.example.com'));
  await expect.poll(async () => (await ask(broker, host, '/two')).status).toBe(200);
  expect(agent.status().hosts[0]).toMatchObject({ host, stands: 'other.example.com' });
});

test('a broken edit leaves the last good configuration serving, and says so', async () => {
  await edit(manifests('/one'));
  const agent = await start();
  await agent.startPreview(request());
  const host = await live(agent);
  const [broker] = brokers;
  if (broker === undefined) throw new Error('there is no broker');
  await edit(`${manifests('/two')}---\nkind: [`);
  await expect.poll(() => agent.status().config.refused).toMatch(/^routes\.yaml:\d+: /);
  expect(agent.status().state).toBe('live');
  expect((await ask(broker, host, '/one')).status).toBe(200);
  expect(events.map(({ event }) => event)).toContain('config-refused');
  await edit(manifests('/three'));
  await expect.poll(async () => (await ask(broker, host, '/three')).status).toBe(200);
  expect(agent.status().config.refused).toBeUndefined();
});

test('manifests that are broken from the start fail with the place, and serve once repaired', async () => {
  await edit('kind: [');
  const agent = await start();
  const first = await agent.startPreview(request());
  expect([first.state, first.error?.code]).toEqual(['failed', 'config-refused']);
  expect(first.error?.message).toMatch(/^routes\.yaml:1: /);
  await edit(manifests('/one'));
  const host = await live(agent);
  const [broker] = brokers;
  if (broker === undefined) throw new Error('there is no broker');
  expect((await ask(broker, host, '/one')).status).toBe(200);
});

test('it is degraded while a broker is away, serves without the control plane, and off after the end', async () => {
  await edit(manifests('/'));
  const agent = await start();
  await agent.startPreview(request());
  const host = await live(agent);
  await control.kill();
  const [first, second] = brokers;
  if (first === undefined || second === undefined) throw new Error('there are no brokers');
  await first.kill();
  await expect.poll(() => agent.status().state).toBe('degraded');
  expect((await ask(second, host, '/')).status).toBe(200);
  const last = await agent.stopPreview();
  expect([last.state, last.hosts, last.links]).toEqual(['off', [], []]);
  control = await controlProcess(join(folder, 'control.db'));
  brokers[0] = await TestBroker.start('b1');
});

test('a restarted agent has the same host, and a URL needs no manifests', async () => {
  const agent = await start();
  await agent.startPreview({ source: { kind: 'url', url, name: 'plain' }, upstreams: {} });
  const host = await live(agent);
  await agent.close({ graceMs: 0 });
  const again = await start();
  await again.startPreview({ source: { kind: 'url', url, name: 'plain' }, upstreams: {} });
  expect(await live(again)).toBe(host);
  const [broker] = brokers;
  if (broker === undefined) throw new Error('there is no broker');
  await expect.poll(() => broker.sessions.size).toBe(1);
  const answer = (await ask(broker, host, '/any?thing')).json() as { url: string; headers: { host: string } };
  expect([answer.url, `http://${answer.headers.host}`]).toEqual(['/any?thing', url]);
});

test('on a machine whose clock is hours ahead it is live for as long as its token lives', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 8 * 3_600_000 });
  try {
    const agent = await start();
    await agent.startPreview({ source: { kind: 'url', url, name: 'plain' }, upstreams: {} });
    const host = await live(agent);
    const [broker] = brokers;
    if (broker === undefined) throw new Error('there is no broker');
    expect((await ask(broker, host, '/')).status).toBe(200);
    expect(agent.status().error).toBeUndefined();
    expect(events.map(({ event }) => event)).not.toContain('token-expired');
  } finally {
    vi.useRealTimers();
  }
});

test('what brokers tell of themselves does not compile the routes again', async () => {
  const lines: string[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
  const agent = await start(log);
  await agent.startPreview({ source: { kind: 'url', url, name: 'plain' }, upstreams: {} });
  await live(agent);
  const applied = (): number => lines.filter((line) => line.includes('configuration applied')).length;
  const before = applied();
  expect(before).toBeGreaterThan(0);
  const late = await TestBroker.start('b4');
  brokers.push(late);
  await control.heartbeat(late.record);
  // The list is told before it is written.
  await expect.poll(() => readFile(join(folder, 'state', 'lease.json'), 'utf8'), { timeout: 15_000 }).toContain('"b4"');
  expect(applied()).toBe(before);
});

test('while it ends, a directory that changes makes no new links', async () => {
  const held = Promise.withResolvers<void>();
  const slow = createServer((_asked, reply) => void held.promise.then(() => reply.end('late')));
  const agent = await start();
  await agent.startPreview({ source: { kind: 'url', url: await listen(slow), name: 'plain' }, upstreams: {} });
  const host = await live(agent);
  const [broker] = brokers;
  if (broker === undefined) throw new Error('there is no broker');
  const { session } = broker.only();
  const came = once(slow, 'request');
  const answer = ask(broker, host, '/');
  await came;
  const closed = agent.close({ graceMs: 60_000 });
  await expect.poll(() => session.canOpen).toBe(false);
  const late = await TestBroker.start('b4');
  brokers.push(late);
  await control.heartbeat(late.record);
  // The list is told before it is written.
  await expect.poll(() => readFile(join(folder, 'state', 'lease.json'), 'utf8'), { timeout: 15_000 }).toContain('"b4"');
  held.resolve();
  expect((await answer).status).toBe(200);
  await closed;
  await closeServer(slow);
  expect(brokers.map(({ dials }) => dials.length)).toEqual([1, 1, 1, 0]);
});

test('another folder replaces the first; one that cannot be read leaves it running', async () => {
  await edit(manifests('/one'));
  const agent = await start();
  await agent.startPreview(request());
  const host = await live(agent);
  const missing = agent.startPreview({ source: { kind: 'folder', dir: join(folder, 'nowhere') }, upstreams: {} });
  await expect(missing).rejects.toMatchObject({ code: 'workspace-unreadable' });
  expect(agent.status()).toMatchObject({ state: 'live', hosts: [{ host }], source: { dir: workspace } });
});

test('what adit.yaml asks to know of requests is told from the edit on, and no longer than it asks', async () => {
  const told = (observe: string): Promise<void> =>
    writeFile(join(workspace, 'adit.yaml'), `name: shop\nnamespace: shop\n${observe}`);
  await told('');
  await edit(manifests('/'));
  const agent = await start();
  await agent.startPreview(request());
  const host = await live(agent);
  const [broker] = brokers;
  if (broker === undefined) throw new Error('there is no broker');
  const metrics = async (): Promise<{ status: number; text: string }> => {
    const answer = await fetch(`http://${agent.address}/v1/metrics`, { headers: { authorization: 'Bearer t' } });
    return { status: answer.status, text: await answer.text() };
  };
  expect((await metrics()).status).toBe(404);
  await ask(broker, host, '/before');
  await told('observe: { metrics: true, accessLog: true }\n');
  await expect.poll(async () => (await metrics()).status, { timeout: 15_000 }).toBe(200);
  await ask(broker, host, '/while');
  const { text } = await metrics();
  expect(text).toMatch(/^traefik_service_requests_total\{[^}]*service="shop-web-80@kubernetes"[^}]*\} 1$/m);
  expect(text).toMatch(/^traefik_config_reloads_total [1-9]/m);
  expect(text).toMatch(/^traefik_open_connections\{[^}]*\} \d+$/m);
  await told('');
  await expect.poll(async () => (await metrics()).status, { timeout: 15_000 }).toBe(404);
  await ask(broker, host, '/after');
  await agent.close({ graceMs: 0 });
  const lines = (await readFile(join(folder, 'state', 'access.log'), 'utf8')).trimEnd().split('\n');
  expect(lines.map((line) => (JSON.parse(line) as { RequestPath: string }).RequestPath)).toEqual(['/while']);
});
