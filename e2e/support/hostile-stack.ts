import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificates, type TestCertificates } from '../../broker/testing/test-certificates.ts';
import { makeKeys, type TestKeys } from '../../broker/testing/test-keys.ts';
import { canonicalHost } from '../../shared/http1/canonical-host.ts';
import { previewStatus } from '../../shared/agent/api.ts';
import { adit, RunningProgram, until } from './running-stack.ts';

const SECRETS = {
  ADIT_ENROLMENT_KEY: 'enrolment-key-of-the-tests',
  ADIT_BROKER_KEY: 'broker-key-of-the-tests',
  ADIT_PEER_SECRET: 'peer-secret-of-the-tests',
  ADIT_AGENT_TOKEN: 'agent-token-of-the-tests',
};

/** What an upstream may get; anything else was smuggled there. */
const ALLOWED_PATHS: ReadonlySet<string> = new Set(['/ok', '/after', '/', '*']);

export interface Tenant {
  readonly name: string;
  readonly host: string;
  /** Requests that came although nobody may send them, as text. */
  readonly wrong: string[];
  /** Requests so far. */
  count(): number;
}

export interface BrokerUnderProbe {
  /** Public listener. */
  readonly address: string;
  readonly tunnel: string;
}

export interface HostileStack {
  /** In the clear, with TLS, and with small limits. */
  readonly plain: BrokerUnderProbe;
  readonly secure: BrokerUnderProbe;
  readonly narrow: BrokerUnderProbe;
  readonly tenants: readonly [Tenant, Tenant];
  /** The brokers believe these as well as the control plane's. */
  readonly keys: TestKeys;
  readonly ca: string;
  /** Every part still runs. */
  alive(): boolean;
  stop(): Promise<void>;
}

/** Control plane, three brokers and two agents as processes, each agent with an upstream that says whose it is. */
export async function startHostileStack(narrowFlags: readonly string[]): Promise<HostileStack> {
  const dir = await mkdtemp(join(tmpdir(), 'adit-hostile-'));
  const programs: RunningProgram[] = [];
  const servers: Server[] = [];
  const keys = await makeKeys();
  const certificates: TestCertificates = await makeCertificates();
  const start = async (args: readonly string[], env: Record<string, string> = {}) => {
    const program = new RunningProgram(process.execPath, [adit, ...args, '--json', '--log-level', 'error'], {
      env: { ...SECRETS, ...env },
    });
    programs.push(program);
    return program.line(({ event }) => event === 'ready');
  };
  const stop = async (): Promise<void> => {
    await Promise.all(programs.map((program) => program.stop('SIGKILL')));
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
    await Promise.all([rm(dir, { recursive: true, force: true }), keys.remove(), certificates.remove()]);
  };
  try {
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
    const published = (await (await fetch(`${controlUrl}/.well-known/jwks.json`)).json()) as { keys: unknown[] };
    const ours = JSON.parse(keys.jwks) as { keys: unknown[] };
    const jwksFile = join(dir, 'jwks.json');
    await writeFile(jwksFile, JSON.stringify({ keys: [...published.keys, ...ours.keys] }));
    const files = await certificates.write('public', ['*.preview.test']);
    const broker = async (id: string, more: readonly string[]): Promise<BrokerUnderProbe> => {
      const line = await start([
        'broker',
        '--id',
        id,
        '--region',
        id,
        '--control',
        controlUrl,
        '--jwks',
        jwksFile,
        '--grace',
        '0',
        '--listen',
        '127.0.0.1:0',
        '--tunnel-listen',
        '127.0.0.1:0',
        ...more,
      ]);
      return { address: String(line['address']), tunnel: String(line['tunnel']) };
    };
    const [plain, secure, narrow] = await Promise.all([
      broker('plain', []),
      broker('secure', ['--public-tls-cert', files.cert, '--public-tls-key', files.key]),
      broker('narrow', narrowFlags),
    ]);
    const tenant = async (name: string): Promise<Tenant> => {
      const { server, url, seen } = await startUpstream(name);
      servers.push(server);
      const agent = await start([
        'agent',
        '--control',
        controlUrl,
        '--listen',
        '127.0.0.1:0',
        '--state-dir',
        join(dir, name),
        '--links',
        '3',
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
      await call('PUT', '/v1/preview', { source: { kind: 'url', url, name } });
      await until(`all links of ${name} are up`, async () => (await call('GET', '/v1/status')).state === 'live');
      const [leased] = (await call('GET', '/v1/status')).hosts;
      if (leased === undefined) throw new Error('no host was leased');
      return { name, host: leased.host, wrong: seen.wrong, count: () => seen.count };
    };
    const tenants = [await tenant('shop'), await tenant('bank')] as const;
    return {
      plain,
      secure,
      narrow,
      tenants: [tenants[0], tenants[1]],
      keys,
      ca: certificates.ca,
      alive: () => programs.every((program) => program.child.exitCode === null && program.child.signalCode === null),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Answers with its name, the path, and the digest of the body; writes down what it should never have got. */
async function startUpstream(name: string) {
  const seen = { wrong: [] as string[], count: 0 };
  const server = createServer((request, response) => {
    seen.count += 1;
    const path = (request.url ?? '').split('?')[0] ?? '';
    // The gateway gives an upstream its own Host, and what the visitor asked for beside it.
    const host = String(request.headers['x-forwarded-host'] ?? '');
    const named = canonicalHost(host);
    const names = request.rawHeaders.filter((_text, at) => at % 2 === 0).map((text) => text.toLowerCase());
    const doubled = names.filter((one) => ['host', 'content-length', 'transfer-encoding'].includes(one));
    const clean =
      ALLOWED_PATHS.has(path) &&
      named.ok &&
      named.value.host.startsWith(name) &&
      new Set(doubled).size === doubled.length &&
      !(names.includes('content-length') && names.includes('transfer-encoding')) &&
      !names.some((one) => one.includes('injected') || one.startsWith('x-adit-'));
    if (!clean) seen.wrong.push(`${request.method} ${request.url} of ${host}: ${names.join(' ')}`);
    const digest = createHash('sha256');
    request.on('data', (bytes: Buffer) => digest.update(bytes));
    request.on('end', () => {
      response.setHeader('content-type', 'text/plain');
      response.end(`${name} ${path} ${digest.digest('hex').slice(0, 8)}`);
    });
    request.on('error', () => undefined);
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no address');
  return { server, seen, url: `http://127.0.0.1:${address.port}` };
}
