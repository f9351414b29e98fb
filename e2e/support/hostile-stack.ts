import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificates, type TestCertificates } from '../../broker/testing/test-certificates.ts';
import { makeKeys, type TestKeys } from '../../broker/testing/test-keys.ts';
import { previewStatus } from '../../shared/agent/api.ts';
import { startBetrayedAgent } from './betrayed-agent.ts';
import type { BetrayedAgent } from './betrayed-agent.ts';
import { startNamedUpstream } from './named-upstream.ts';
import { adit, RunningProgram, until } from './running-stack.ts';
import { SECRETS } from './test-secrets.ts';

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
  readonly control: { readonly url: string; readonly enrolmentKey: string };
  /** An agent that has dialled a broker which means ill. */
  readonly betrayed: BetrayedAgent;
  /** Every part still runs. */
  alive(): boolean;
  stop(): Promise<void>;
}

/** Control plane, three brokers and two agents as processes, each agent with an upstream that says whose it is. */
export async function startHostileStack(narrowFlags: readonly string[]): Promise<HostileStack> {
  const dir = await mkdtemp(join(tmpdir(), 'adit-hostile-'));
  const programs: RunningProgram[] = [];
  const servers: Server[] = [];
  let betrayed: BetrayedAgent | undefined;
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
    await betrayed?.stop();
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
      const { server, url, seen } = await startNamedUpstream(name, { believed: true });
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
    betrayed = await startBetrayedAgent({
      dir,
      brokerKey: SECRETS.ADIT_BROKER_KEY,
      agentToken: SECRETS.ADIT_AGENT_TOKEN,
      start,
    });
    const tenants = [await tenant('shop'), await tenant('bank')] as const;
    return {
      plain,
      secure,
      narrow,
      tenants: [tenants[0], tenants[1]],
      keys,
      ca: certificates.ca,
      control: { url: controlUrl, enrolmentKey: SECRETS.ADIT_ENROLMENT_KEY },
      betrayed,
      alive: () => programs.every((program) => program.child.exitCode === null && program.child.signalCode === null),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
