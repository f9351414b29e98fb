import type { Duplex } from 'node:stream';
import { join } from 'node:path';
import pino from 'pino';
import { TestBroker } from '../../agent/tunnels/testing/test-broker.ts';
import { Heartbeat } from '../../broker/heartbeat.ts';
import { previewStatus } from '../../shared/agent/api.ts';
import type { BrokerMessage } from '../../shared/tunnel/protocol.ts';
import { toDuplex } from '../../shared/yamux/to-duplex.ts';
import type { Tenant } from './hostile-stack.ts';
import { startNamedUpstream } from './named-upstream.ts';
import { until } from './running-stack.ts';

export interface BetrayedAgent {
  readonly tenant: Tenant;
  /** A stream into the agent, by the broker that it has dialled. */
  open(): Duplex;
  /** Says it on the control stream. */
  say(message: BrokerMessage): void;
  stop(): Promise<void>;
}

export interface Surroundings {
  /** For its files. */
  readonly dir: string;
  readonly brokerKey: string;
  readonly agentToken: string;
  /** Starts a part of ours; its ready line. */
  start(args: readonly string[]): Promise<Readonly<Record<string, unknown>>>;
}

/**
 * An agent whose only broker is in somebody else's hands: it stands in the directory of a control plane as any other,
 * and may send whatever it likes down the tunnel.
 */
export async function startBetrayedAgent({ dir, brokerKey, agentToken, start }: Surroundings): Promise<BetrayedAgent> {
  const [control, rogue, { server, url, seen }] = await Promise.all([
    start([
      'control',
      '--listen',
      '127.0.0.1:0',
      '--domain',
      'preview.test',
      '--public-url',
      'http://{host}/',
      '--database',
      join(dir, 'betrayed.db'),
    ]),
    TestBroker.start('rogue'),
    startNamedUpstream('home', { believed: false }),
  ]);
  const controlUrl = `http://${String(control['address'])}`;
  const { id, ...record } = rogue.record;
  const heartbeat = new Heartbeat({
    url: controlUrl,
    key: brokerKey,
    path: `/v1/brokers/${id}`,
    log: pino({ level: 'silent' }),
    body: () => record,
  });
  await heartbeat.start();
  const agent = await start([
    'agent',
    '--control',
    controlUrl,
    '--listen',
    '127.0.0.1:0',
    '--links',
    '1',
    '--state-dir',
    join(dir, 'betrayed'),
  ]);
  const call = async (method: string, path: string, body?: unknown) => {
    const answer = await fetch(`http://${String(agent['address'])}${path}`, {
      method,
      headers: { authorization: `Bearer ${agentToken}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return previewStatus.parse(await answer.json());
  };
  await call('PUT', '/v1/preview', { source: { kind: 'url', url, name: 'home' } });
  await until('the agent has dialled the rogue', () => [...rogue.sessions].some(({ said }) => said.length > 0));
  const [leased] = (await call('GET', '/v1/status')).hosts;
  if (leased === undefined) throw new Error('no host was leased');
  return {
    tenant: { name: 'home', host: leased.host, wrong: seen.wrong, count: () => seen.count },
    open: () => toDuplex(rogue.only().session.open()),
    say: (message) => rogue.say(rogue.only(), message),
    async stop() {
      heartbeat.stop();
      await rogue.kill();
      server.close();
      server.closeAllConnections();
    },
  };
}
