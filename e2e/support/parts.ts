import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { previewStatus, type PreviewStatus } from '../../shared/agent/api.ts';
import { adit, RunningProgram, until } from './running-stack.ts';
import { SilentRelay } from './silent-relay.ts';
import { SECRETS } from './test-secrets.ts';

export interface BrokerPart {
  readonly id: string;
  readonly program: RunningProgram;
  /** Public listener. */
  readonly address: string;
  readonly peer: string;
  /** Between the agent and this broker. */
  readonly relay: SilentRelay;
}

export interface Parts {
  readonly control: RunningProgram;
  readonly brokers: readonly BrokerPart[];
  readonly edge: { readonly program: RunningProgram; readonly address: string };
  readonly agent: RunningProgram;
  readonly host: string;
  status(): Promise<PreviewStatus>;
  /** The control plane again, at its address and with its database. */
  restartControl(): Promise<void>;
  /** The agent again, with the same state and the same preview; resolves when its local API answers. */
  restartAgent(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Control plane, three brokers, edge and agent as processes of their own, each tunnel through a relay of ours. Nothing is
 * restarted by itself. Resolves when all links are up.
 */
export async function startParts(
  upstream: string,
  more: { readonly wantedLinks?: number; readonly controlOptions?: readonly string[] } = {},
): Promise<Parts> {
  const dir = await mkdtemp(join(tmpdir(), 'adit-parts-'));
  const running: { stop(): Promise<unknown> }[] = [];
  const start = async (
    args: readonly string[],
  ): Promise<{ program: RunningProgram; line: Record<string, unknown> }> => {
    const program = new RunningProgram(process.execPath, [adit, ...args, '--json', '--log-level', 'warn'], {
      env: SECRETS,
    });
    running.push({ stop: () => program.stop('SIGKILL') });
    return { program, line: await program.line(({ event }) => event === 'ready') };
  };
  const stop = async (): Promise<void> => {
    await Promise.all(running.map((one) => one.stop()));
    await rm(dir, { recursive: true, force: true });
  };
  try {
    const startControl = (listen: string): ReturnType<typeof start> =>
      start(['control', '--listen', listen, '--database', join(dir, 'control.db'), ...(more.controlOptions ?? [])]);
    let control = await startControl('127.0.0.1:0');
    const controlUrl = `http://${String(control.line['address'])}`;
    const brokers = await Promise.all(
      ['b1', 'b2', 'b3'].map(async (id): Promise<BrokerPart> => {
        const port = await freePort();
        const relay = await SilentRelay.start(() => port);
        running.push(relay);
        const { program, line } = await start([
          'broker',
          '--id',
          id,
          '--region',
          id,
          '--role',
          'tunnel',
          '--control',
          controlUrl,
          '--grace',
          '1',
          '--listen',
          '127.0.0.1:0',
          '--peer-listen',
          '127.0.0.1:0',
          '--tunnel-listen',
          `127.0.0.1:${port}`,
          '--tunnel-url',
          `ws://127.0.0.1:${relay.port}/tunnel`,
        ]);
        return { id, program, address: String(line['address']), peer: String(line['peer']), relay };
      }),
    );
    const edge = await start([
      'broker',
      '--id',
      'edge',
      '--role',
      'edge',
      '--control',
      controlUrl,
      '--listen',
      '127.0.0.1:0',
      '--grace',
      '1',
      ...brokers.flatMap(({ peer }) => ['--peer', peer]),
    ]);
    const startAgent = (): ReturnType<typeof start> =>
      start([
        'agent',
        '--control',
        controlUrl,
        '--listen',
        '127.0.0.1:0',
        '--state-dir',
        join(dir, 'agent'),
        '--links',
        String(more.wantedLinks ?? 3),
      ]);
    let agent = await startAgent();
    const call = async (method: string, path: string, body?: unknown): Promise<PreviewStatus> => {
      const answer = await fetch(`http://${String(agent.line['address'])}${path}`, {
        method,
        headers: { authorization: `Bearer ${SECRETS.ADIT_AGENT_TOKEN}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
      return previewStatus.parse(await answer.json());
    };
    const status = (): Promise<PreviewStatus> => call('GET', '/v1/status');
    const preview = (): Promise<PreviewStatus> =>
      call('PUT', '/v1/preview', { source: { kind: 'url', url: upstream, name: 'faults' } });
    await preview();
    await until('all links are up', async () => (await status()).state === 'live');
    const [host] = (await status()).hosts;
    if (host === undefined) throw new Error('no host was leased');
    return {
      get control() {
        return control.program;
      },
      brokers,
      edge: { program: edge.program, address: String(edge.line['address']) },
      get agent() {
        return agent.program;
      },
      host: host.host,
      status,
      async restartControl() {
        await control.program.stop('SIGKILL');
        control = await startControl(String(control.line['address']));
      },
      async restartAgent() {
        await agent.program.stop('SIGKILL');
        agent = await startAgent();
        await preview();
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return address.port;
}
