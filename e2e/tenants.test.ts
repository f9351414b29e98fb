import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeCertificates } from '../broker/testing/test-certificates.ts';
import { previewStatus } from '../shared/agent/api.ts';
import { get } from './support/http-load.ts';
import { adit, RunningProgram, until } from './support/running-stack.ts';
import { ask, isRefusal, randomFrom, wrongIn } from './tenants/question.ts';
import type { TenantHost } from './tenants/question.ts';
import { startUpstreams } from './tenants/upstreams.ts';
import type { Upstreams } from './tenants/upstreams.ts';
import { Http1Visitor, Http2Visitor } from './tenants/visitors.ts';
import { SECRETS } from './support/test-secrets.ts';

const TENANTS = 100;
/** As many hosts as an agent leases for the hosts of its manifests. */
const HOSTS_OF_AGENT = 8;
const REQUESTS = Number(process.env['ADIT_TENANT_REQUESTS'] ?? 100_000);
/** Asks no more after this time, and is content with what was answered by then. */
const SECONDS = Number(process.env['ADIT_TENANT_SECONDS'] ?? Infinity);
const SEED = Number(process.env['ADIT_TENANT_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
/** A connection is left after this many requests for a new one. */
const REQUESTS_OF_CONNECTION = 500;
let dir: string;
let upstreams: Upstreams;
/** Where visitors come in: `broker` has the sessions of the agents itself, `edge` relays to both brokers. */
interface Doors {
  readonly broker: string;
  readonly edge: string;
}
let plain: Doors;
let secure: Doors;
let ca = '';
let removeCertificates: () => Promise<void>;
const tenants: TenantHost[] = [];
const programs: RunningProgram[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'adit-tenants-'));
  upstreams = await startUpstreams(TENANTS);
  const certificates = await makeCertificates();
  removeCertificates = () => certificates.remove();
  ca = certificates.ca;
  const files = await certificates.write('public', ['*.preview.test']);
  const control = await start([
    'control',
    '--listen',
    '127.0.0.1:0',
    '--domain',
    'preview.test',
    '--public-url',
    'http://{host}/',
    '--database',
    join(dir, 'control.db'),
  ]);
  const controlUrl = `http://${String(control['address'])}`;
  const broker = async (id: string, more: readonly string[]): Promise<{ address: string; peer: string }> => {
    const line = await start([
      'broker',
      '--id',
      id,
      '--region',
      id,
      '--control',
      controlUrl,
      '--grace',
      '0',
      '--listen',
      '127.0.0.1:0',
      '--peer-listen',
      '127.0.0.1:0',
      ...more,
    ]);
    return { address: String(line['address']), peer: String(line['peer']) };
  };
  const tls = ['--public-tls-cert', files.cert, '--public-tls-key', files.key];
  const brokers = await Promise.all([
    broker('plain', ['--tunnel-listen', '127.0.0.1:0']),
    broker('secure', ['--tunnel-listen', '127.0.0.1:0', ...tls]),
  ]);
  const ofEdge = ['--role', 'edge', ...brokers.flatMap(({ peer }) => ['--peer', peer])];
  const edges = await Promise.all([broker('edge-plain', ofEdge), broker('edge-secure', [...ofEdge, ...tls])]);
  plain = { broker: brokers[0].address, edge: edges[0].address };
  secure = { broker: brokers[1].address, edge: edges[1].address };
  for (const { peer } of edges)
    await until('the edge follows both brokers', async () =>
      (await get(peer, 'edge', '/metrics')).body.includes('adit_broker_peers 2'),
    );
  for (let first = 0; first < TENANTS; first += HOSTS_OF_AGENT)
    tenants.push(...(await startAgent(controlUrl, first, Math.min(TENANTS, first + HOSTS_OF_AGENT))));
  for (const one of tenants)
    for (const kind of ['http1', 'http2'] as const)
      await until(`an edge knows ${one.host}`, async () => {
        const visitor = await open(kind, 'edge', one);
        const { status } = await visitor.ask(ask(Math.random, one, 'first'));
        visitor.close();
        return status === 200;
      });
});

function open(kind: 'http1' | 'http2', door: keyof Doors, tenant: TenantHost): Promise<Http1Visitor | Http2Visitor> {
  return kind === 'http1' ? Http1Visitor.open(plain[door]) : Http2Visitor.open(secure[door], tenant.host, ca);
}

afterAll(async () => {
  await Promise.all(programs.map((program) => program.stop('SIGKILL')));
  upstreams.stop();
  await Promise.all([rm(dir, { recursive: true, force: true }), removeCertificates()]);
});

async function start(args: readonly string[]) {
  const program = new RunningProgram(process.execPath, [adit, ...args, '--json', '--log-level', 'error'], {
    env: SECRETS,
  });
  programs.push(program);
  return program.line(({ event }) => event === 'ready');
}

/** An agent whose workspace has a Service and an Ingress for each of these tenants. */
async function startAgent(controlUrl: string, from: number, to: number): Promise<TenantHost[]> {
  const workspace = join(dir, `workspace-${from}`);
  await mkdir(workspace);
  const numbers = Array.from({ length: to - from }, (_, at) => from + at);
  await writeFile(join(workspace, 'adit.yaml'), `name: tenants${from}\nnamespace: shop\n`);
  await writeFile(join(workspace, 'routes.yaml'), numbers.map(manifestsOf).join('---\n'));
  const agent = await start([
    'agent',
    '--control',
    controlUrl,
    '--listen',
    '127.0.0.1:0',
    '--links',
    '2',
    '--state-dir',
    join(dir, `agent-${from}`),
  ]);
  const call = async (method: string, path: string, body?: unknown) => {
    const answer = await fetch(`http://${String(agent['address'])}${path}`, {
      method,
      headers: { authorization: `Bearer ${SECRETS.ADIT_AGENT_TOKEN}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return previewStatus.parse(await answer.json());
  };
  const services = Object.fromEntries(numbers.map((number) => [`shop/t${number}`, upstreams.urls[number]]));
  await call('PUT', '/v1/preview', { source: { kind: 'folder', dir: workspace }, upstreams: services });
  await until('its links are up', async () => (await call('GET', '/v1/status')).state === 'live');
  const { hosts } = await call('GET', '/v1/status');
  return hosts.map(({ host, stands }) => ({ number: Number(/^t(\d+)\./.exec(stands ?? '')?.[1]), host }));
}

function manifestsOf(number: number): string {
  return `apiVersion: v1
kind: Service
metadata: { name: t${number}, namespace: shop }
spec: { ports: [{ port: 80 }] }
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: t${number}, namespace: shop }
spec:
  rules:
    - host: t${number}.tenants.example
      http:
        paths:
          - { path: /, pathType: Prefix, backend: { service: { name: t${number}, port: { number: 80 } } } }
`;
}

const wrong: string[] = [];
/** Answers of a broker that has no way to the agent: only right when a session ended. */
const refused: string[] = [];
let answered = 0;
const answeredBy = { broker: 0, edge: 0 };
let next = 0;
let endsAt = Infinity;

function goesOn(): boolean {
  return next < REQUESTS && wrong.length < 20 && performance.now() < endsAt;
}

/** Why sessions of agents ended, and what parts complained of. */
function lostSessions(): string[] {
  return programs.flatMap(({ pid, lines, stderr }) => [
    ...lines
      .filter(({ event }) => event === 'session-down')
      .map((line) => `${pid}: ${String(line['broker'])}: ${String(line['reason'])}`),
    ...(stderr === '' ? [] : [`${pid}: ${stderr}`]),
  ]);
}

/**
 * One connection after the other, to a broker and to an edge in turn; on each several requests at a time, of any tenant or,
 * in HTTP/2, of one.
 */
async function visit(kind: 'http1' | 'http2', firstDoor: keyof Doors, seed: number): Promise<void> {
  const random = randomFrom(seed);
  const any = (): TenantHost => tenants[Math.floor(random() * tenants.length)] ?? { number: -1, host: '' };
  for (let door = firstDoor; goesOn(); door = door === 'edge' ? 'broker' : 'edge') {
    const one = any();
    const visitor = await open(kind, door, one);
    for (let asked = 0; asked < REQUESTS_OF_CONNECTION && goesOn();) {
      const depth = Math.min(1 + Math.floor(random() * 6), REQUESTS - next);
      const questions = Array.from({ length: depth }, () => {
        next += 1;
        return ask(random, kind === 'http1' ? any() : one, `${seed}-${next}`);
      });
      asked += depth;
      await Promise.all(
        questions.map(async (question) => {
          try {
            const answer = await visitor.ask(question);
            const found = wrongIn(question, answer);
            if (found !== undefined) (isRefusal(answer) ? refused : wrong).push(`${door}: ${found}`);
          } catch (error) {
            wrong.push(`${door}: ${question.method} ${question.target} of ${question.tenant.host}: ${String(error)}`);
          }
          answered += 1;
          answeredBy[door] += 1;
        }),
      );
    }
    visitor.close();
  }
}

test(
  `${REQUESTS} requests over ${TENANTS} tenants get no wrong answer`,
  { timeout: 60_000 + REQUESTS * 20 },
  async () => {
    expect(new Set(tenants.map(({ number }) => number)).size).toBe(TENANTS);
    expect(new Set(tenants.map(({ host }) => host)).size).toBe(TENANTS);
    const startedAt = performance.now();
    endsAt = startedAt + SECONDS * 1000;
    await Promise.all(
      Array.from({ length: 24 }, (_, at) =>
        visit(at % 3 === 2 ? 'http2' : 'http1', at % 2 === 0 ? 'edge' : 'broker', SEED + at),
      ),
    );
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    console.log(
      `${answered} answers in ${seconds} s, ${answeredBy.edge} of them through an edge: ${wrong.length} wrong, ` +
        `${refused.length} refused; ${lostSessions().length} sessions ended`,
    );
    const why = `ADIT_TENANT_SEED=${SEED}; ${lostSessions().join('; ')}`;
    expect(wrong, why).toEqual([]);
    expect(upstreams.strays, why).toEqual([]);
    if (lostSessions().length === 0) expect(refused, why).toEqual([]);
    expect(refused.length, why).toBeLessThan(REQUESTS / 100);
    expect(answered).toBe(SECONDS === Infinity ? REQUESTS : next);
  },
);
