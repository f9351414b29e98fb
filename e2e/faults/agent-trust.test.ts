import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type Server } from 'node:tls';
import pino from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConnectProxy } from '../../agent/tunnels/testing/connect-proxy.ts';
import { startBroker, type Broker } from '../../broker/index.ts';
import { makeCertificates } from '../../broker/testing/test-certificates.ts';
import { startControl, type Control } from '../../control/index.ts';
import { adit, RunningProgram } from '../support/running-stack.ts';

/** Control plane and broker behind TLS of an authority that nobody knows, by names that only the proxy resolves. */
const KEY = 'key-of-the-tests';
const TOKEN = 'agent-token-of-the-tests';
const log = pino({ level: 'silent' });
let certificates: Awaited<ReturnType<typeof makeCertificates>>;
let dir: string;
let caFile: string;
let control: Control;
let broker: Broker;
let proxy: ConnectProxy;
const fronts: Server[] = [];
const url = { control: '' };

/** TLS for `name` in front of a port of this machine. */
async function front(name: string, target: () => number): Promise<number> {
  const server = createServer(await certificates.issue([name]), (socket) => {
    const inner = connect(target(), '127.0.0.1');
    for (const [one, other] of [
      [socket, inner],
      [inner, socket],
    ] as const)
      one.on('error', () => other.destroy()).on('close', () => other.destroy());
    socket.pipe(inner).pipe(socket);
  });
  server.on('tlsClientError', () => undefined);
  fronts.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

const portOf = (address: string): number => Number(address.split(':').at(-1));

beforeAll(async () => {
  certificates = await makeCertificates();
  dir = await mkdtemp(join(tmpdir(), 'adit-trust-'));
  caFile = join(dir, 'ca.pem');
  await writeFile(caFile, certificates.ca);
  proxy = await ConnectProxy.start('user:pass word');
  control = await startControl({
    host: '127.0.0.1',
    port: 0,
    database: ':memory:',
    enrolmentKeys: [KEY],
    brokerKeys: [KEY],
    domain: 'localhost',
    publicUrl: 'http://{host}/',
    log,
  });
  url.control = `https://control.invalid:${await front('control.invalid', () => portOf(control.address))}`;
  const any = { host: '127.0.0.1', port: 0 };
  const tunnelPort = await front('broker.invalid', () => portOf(broker.addresses.tunnel ?? ''));
  broker = await startBroker({
    id: 'b1',
    region: 'here',
    roles: ['tunnel'],
    public: any,
    tunnel: any,
    tunnelUrl: `wss://broker.invalid:${tunnelPort}/tunnel`,
    control: { url: `http://${control.address}`, brokerKey: KEY },
    issuer: 'adit',
    log,
  });
});
afterAll(async () => {
  await broker.close();
  await control.close();
  for (const server of fronts) server.close();
  await proxy.stop();
  await rm(dir, { recursive: true, force: true });
});

/** The agent's process with a preview that is wanted. */
async function agentWith(name: string, args: readonly string[], env: Record<string, string>): Promise<RunningProgram> {
  const where = ['--control', url.control, '--state-dir', join(dir, name)];
  const program = new RunningProgram(
    process.execPath,
    [adit, 'agent', '--json', '--log-level', 'warn', '--links', '1', ...where, ...args],
    {
      env: {
        ADIT_ENROLMENT_KEY: KEY,
        ADIT_AGENT_TOKEN: TOKEN,
        NO_PROXY: '127.0.0.1,localhost',
        no_proxy: '127.0.0.1,localhost',
        ...env,
      },
    },
  );
  const ready = await program.line(({ event }) => event === 'ready');
  const answer = await fetch(`http://${String(ready['address'])}/v1/preview`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ source: { kind: 'url', url: 'http://127.0.0.1:1', name: 'trust' } }),
  });
  expect(answer.status).toBe(200);
  return program;
}

const through = (credentials: string): Record<string, string> => ({
  HTTPS_PROXY: `http://${credentials}@${proxy.address}`,
});

for (const [name, args, env] of [
  ['--ca-file', () => ['--ca-file', caFile], () => ({})],
  ['NODE_EXTRA_CA_CERTS', () => [], () => ({ NODE_EXTRA_CA_CERTS: caFile })],
] as const) {
  test(`the agent reaches control plane and broker through a proxy with credentials, trusting ${name}`, async () => {
    const before = proxy.asked.length;
    const program = await agentWith(name, args(), { ...through('user:pass%20word'), ...env() });
    try {
      await program.line(({ event }) => event === 'session-up');
      const names = proxy.asked.slice(before).map(({ authority }) => authority.split(':')[0]);
      expect(new Set(names)).toEqual(new Set(['control.invalid', 'broker.invalid']));
    } finally {
      await program.stop('SIGKILL');
    }
  });
}

test('without the authority the agent says what it does not trust', async () => {
  const program = await agentWith('untrusting', [], through('user:pass%20word'));
  try {
    const line = await program.line(({ event }) => event === 'control-unreachable');
    expect(line['message']).toMatch(/control\.invalid:\d+ does not answer: \S*(CERT|ISSUER|SELF_SIGNED|VERIFY)\S*/);
  } finally {
    await program.stop('SIGKILL');
  }
});

test('with wrong credentials it says that the proxy refuses, and tells no password', async () => {
  const program = await agentWith('stranger', ['--ca-file', caFile], through('user:wr0ng'));
  try {
    await expect.poll(() => program.stderr, { timeout: 30_000 }).toMatch(/answered 407 to CONNECT control\.invalid/);
    expect(program.stderr + JSON.stringify(program.lines)).not.toContain('wr0ng');
  } finally {
    await program.stop('SIGKILL');
  }
});
