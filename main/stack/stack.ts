import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PreviewEvent } from '../../shared/process/lines.ts';
import { developmentCertificates } from './development-ca.ts';
import { keepAlive, ChildFailed, type KeptChild, type ReadyLine } from './keep-alive.ts';
import { roleProgram, type Role } from './program.ts';

export interface StackOptions {
  /** Where keys, leases and the control plane's database stay between runs; a temporary folder when absent. */
  readonly stateDir?: string | undefined;
  /** Folder of a development CA: visitors come by HTTPS then, with certificates from it. */
  readonly developmentCa?: string | undefined;
  /** How many brokers to start; at least three, so that two may die. */
  readonly brokers: number;
  /** How long a broker that gets SIGTERM lets open streams live, in seconds. */
  readonly graceSeconds?: number | undefined;
  onEvent(event: PreviewEvent): void;
  onLog(name: string, text: string): void;
  readonly signal?: AbortSignal | undefined;
  /** Where the programs of the parts are; `roleProgram` when absent. */
  readonly programOf?: typeof roleProgram | undefined;
}

export interface BrokerPart {
  readonly id: string;
  readonly region: string;
  readonly address: string;
  readonly tunnel: string;
  /** Listener for edges, health and metrics. */
  readonly peer: string;
  readonly pid: number;
}

export interface Stack {
  /** Public listener of the edge, `127.0.0.1:PORT`. */
  edge(): { address: string; peer: string; pid: number };
  brokers(): BrokerPart[];
  control(): { address: string; pid: number };
  agent(): { address: string; pid: number; token: string; lastError: string };
  /** True once the edge has a route to a broker with a live tunnel. */
  edgeReady(): Promise<boolean>;
  /** Ends every part, the agent first, within about `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

const READY_WITHIN_MS = 20_000;
const ISSUER = 'adit-local';
const DEFAULT_GRACE_SECONDS = 30;
/**
 * With glibc each thread of V8 has an arena of its own, which keeps what was freed: 10 MiB of an idle broker's. Requests a
 * second are the same with one.
 */
const MALLOC_ARENAS = '1';

/**
 * Starts everything a preview needs on this machine: control plane, brokers, one edge in front, the agent. Each is an
 * operating-system process on ports chosen by the system, kept alive on the same ports, and leashed to this one.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const runDir = await mkdtemp(join(tmpdir(), 'adit-'));
  await chmod(runDir, 0o700);
  const stateDir = options.stateDir ?? runDir;
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const secrets = {
    ADIT_ENROLMENT_KEY: secret(),
    ADIT_BROKER_KEY: secret(),
    ADIT_PEER_SECRET: secret(),
    ADIT_AGENT_TOKEN: secret(),
  };
  const kept: KeptChild[] = [];
  const part = async (
    name: string,
    role: Role,
    args: (previous: ReadyLine | undefined) => string[],
    env: Record<string, string>,
  ): Promise<KeptChild> => {
    const program = (options.programOf ?? roleProgram)(role);
    const child = await keepAlive({
      spec: (previous) => ({
        name,
        command: program.command,
        args: [...program.args, '--json', '--leashed', ...args(previous)],
        env: { MALLOC_ARENA_MAX: process.env['MALLOC_ARENA_MAX'] ?? MALLOC_ARENAS, ...env },
      }),
      readyWithinMs: READY_WITHIN_MS,
      onEvent: options.onEvent,
      onLog: options.onLog,
      signal: options.signal,
    });
    kept.push(child);
    return child;
  };

  let startingAgent: Promise<KeptChild> | undefined;
  try {
    const { cert, key, ca } = await developmentCertificates();
    const files = { cert: join(runDir, 'broker.pem'), key: join(runDir, 'broker-key.pem'), ca: join(runDir, 'ca.pem') };
    await Promise.all([
      writeFile(files.cert, cert, { mode: 0o600 }),
      writeFile(files.key, key, { mode: 0o600 }),
      writeFile(files.ca, ca, { mode: 0o600 }),
    ]);

    const control = await part(
      'control',
      'control',
      (previous) => [
        '--listen',
        previous?.address ?? '127.0.0.1:0',
        '--issuer',
        ISSUER,
        '--domain',
        'localhost',
        '--name-bits',
        '40',
        '--database',
        join(stateDir, 'control.db'),
      ],
      { ADIT_ENROLMENT_KEY: secrets.ADIT_ENROLMENT_KEY, ADIT_BROKER_KEY: secrets.ADIT_BROKER_KEY },
    );
    const controlUrl = `http://${control.ready().address}`;
    const brokerEnv = { ADIT_BROKER_KEY: secrets.ADIT_BROKER_KEY, ADIT_PEER_SECRET: secrets.ADIT_PEER_SECRET };
    const common = [
      '--control',
      controlUrl,
      '--issuer',
      ISSUER,
      '--grace',
      String(options.graceSeconds ?? DEFAULT_GRACE_SECONDS),
    ];

    // The agent needs no broker to start, and each process takes most of its time to load.
    startingAgent = part(
      'agent',
      'agent',
      (previous) => [
        '--listen',
        previous?.address ?? '127.0.0.1:0',
        '--control',
        controlUrl,
        '--ca-file',
        files.ca,
        '--state-dir',
        join(stateDir, 'agent'),
        '--links',
        String(Math.min(options.brokers, 8)),
      ],
      { ADIT_ENROLMENT_KEY: secrets.ADIT_ENROLMENT_KEY, ADIT_AGENT_TOKEN: secrets.ADIT_AGENT_TOKEN },
    );
    // A failure of what starts meanwhile comes first; this one is thrown where it is awaited.
    startingAgent.catch(() => undefined);

    const brokers = await allOrNone(
      Array.from({ length: options.brokers }, (_, index) => {
        const id = `local-${index + 1}`;
        return part(
          `broker ${id}`,
          'broker',
          (previous) => {
            const at = previous?.role === 'broker' ? previous : undefined;
            const tunnelListen = at?.tunnel ? new URL(at.tunnel).host : '127.0.0.1:0';
            return [
              '--id',
              id,
              '--region',
              id,
              '--role',
              'tunnel',
              ...common,
              '--listen',
              at?.address ?? '127.0.0.1:0',
              '--tunnel-listen',
              tunnelListen,
              '--peer-listen',
              at?.peer ?? '127.0.0.1:0',
              '--tls-cert',
              files.cert,
              '--tls-key',
              files.key,
            ];
          },
          brokerEnv,
        );
      }),
    );
    const peers = brokers.map((broker) => {
      const line = broker.ready();
      return line.role === 'broker' ? (line.peer ?? '') : '';
    });
    const edge = await part(
      'edge',
      'broker',
      (previous) => {
        const at = previous?.role === 'edge' ? previous : undefined;
        return [
          '--id',
          'edge',
          '--region',
          'local',
          '--role',
          'edge',
          ...common,
          '--listen',
          at?.address ?? '127.0.0.1:0',
          '--peer-listen',
          at?.peer ?? '127.0.0.1:0',
          ...(options.developmentCa === undefined ? [] : ['--development-ca', options.developmentCa]),
          ...peers.flatMap((peer) => ['--peer', peer]),
        ];
      },
      brokerEnv,
    );
    const agent = await startingAgent;

    return {
      edge: () => {
        const line = edge.ready();
        return { address: line.address, peer: line.role === 'edge' ? (line.peer ?? '') : '', pid: edge.pid() };
      },
      brokers: () => brokers.map(brokerPart),
      control: () => ({ address: control.ready().address, pid: control.pid() }),
      agent: () => ({
        address: agent.ready().address,
        pid: agent.pid(),
        token: secrets.ADIT_AGENT_TOKEN,
        lastError: agent.lastError(),
      }),
      async edgeReady() {
        const line = edge.ready();
        if (line.role !== 'edge' || line.peer === undefined) return false;
        const answer = await fetch(`http://${line.peer}/readyz`, { signal: AbortSignal.timeout(2_000) }).catch(
          () => undefined,
        );
        return answer?.ok === true;
      },
      stop: (graceMs) => stop(graceMs),
    };
  } catch (error) {
    // What is still starting can be ended only once it has started.
    await Promise.allSettled([startingAgent]);
    await stop(1_000);
    throw error;
  }

  async function stop(graceMs: number): Promise<void> {
    // The agent gives its hosts back and closes its tunnels while brokers and control plane still answer.
    const agent = kept.filter((child) => child.name === 'agent');
    await Promise.all(agent.map((child) => child.stop(graceMs / 2)));
    await Promise.all(kept.map((child) => child.stop(graceMs / 2)));
    await rm(runDir, { recursive: true, force: true });
  }
}

function brokerPart(child: KeptChild): BrokerPart {
  const line = child.ready();
  if (line.role !== 'broker') throw new ChildFailed('child-wrong', `${child.name} said it is ${line.role}`);
  return {
    id: line.id,
    region: line.region,
    address: line.address,
    tunnel: line.tunnel ?? '',
    peer: line.peer ?? '',
    pid: child.pid(),
  };
}

function secret(): string {
  return randomBytes(32).toString('base64url');
}

/** Like `Promise.all`, but waits for all before it rejects, so that nothing is still starting when the caller cleans up. */
async function allOrNone<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(promises);
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}
