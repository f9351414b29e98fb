import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { stringify } from 'yaml';
import type { KubeBinaries } from './binaries.ts';
import { clientCertificates } from './client-certificate.ts';

const READY_MS = 90_000;
const STOP_MS = 10_000;
const ATTEMPTS = 3;
const LOG_BYTES = 256 * 1024;
export const ADMIN = 'admin';

export interface ApiServer {
  readonly url: string;
  readonly caFile: string;
  /** Contexts `admin` (may do everything) and one for each of the users, who may do what RBAC says. */
  readonly kubeconfig: string;
  /** A folder that is removed by `stop`. */
  readonly dir: string;
  /** PEM of a user `certified`, who may do everything. */
  readonly certified: { readonly cert: string; readonly key: string };
  readonly tokens: ReadonlyMap<string, string>;
  /** Runs the real kubectl; rejects with its words when it fails. */
  kubectl(
    args: readonly string[],
    more?: { readonly stdin?: string; readonly env?: Readonly<Record<string, string>> },
  ): Promise<string>;
  /** Ends kube-apiserver and starts it again on the same port and data; `between` runs while it is down. */
  restart(between?: () => Promise<void>): Promise<void>;
  stop(): Promise<void>;
}

export interface ApiServerOptions {
  /** CIDR of the Services' cluster addresses; one within 127.0.0.0/8 makes them reachable here. */
  readonly serviceRange?: string;
}

/** Starts etcd and kube-apiserver on 127.0.0.1 and waits for `/readyz`. Stop it in `afterAll`. */
export async function startApiServer(
  binaries: KubeBinaries,
  users: readonly string[] = [],
  options: ApiServerOptions = {},
): Promise<ApiServer> {
  let last: unknown;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    try {
      return await startOnce(binaries, users, options);
    } catch (error) {
      last = error;
      if (!/address already in use/.test(String(error))) break;
    }
  }
  throw last;
}

async function startOnce(
  binaries: KubeBinaries,
  users: readonly string[],
  options: ApiServerOptions,
): Promise<ApiServer> {
  const dir = await mkdtemp(join(tmpdir(), 'adit-kube-'));
  const programs: Program[] = [];
  const stop = async () => {
    // The API server first: without etcd it would wait out its own time limits.
    for (const program of programs.toReversed()) await program.stop();
    await rm(dir, { recursive: true, force: true });
  };
  try {
    const [client, peer, secure] = await freePorts(3);
    const etcdUrl = `http://127.0.0.1:${client}`;
    const peerUrl = `http://127.0.0.1:${peer}`;
    const keyFile = join(dir, 'service-account.key');
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    await writeFile(keyFile, privateKey.export({ type: 'pkcs1', format: 'pem' }));
    const tokens = new Map([ADMIN, ...users].map((name) => [name, `${name}-token`]));
    const lines = [...tokens].map(([name, token]) =>
      [token, name, name, ...(name === ADMIN ? ['system:masters'] : [])].join(','),
    );
    await writeFile(join(dir, 'tokens.csv'), `${lines.join('\n')}\n`);
    const etcd = new Program(binaries.etcd, {
      'data-dir': join(dir, 'etcd'),
      'listen-client-urls': etcdUrl,
      'advertise-client-urls': etcdUrl,
      'listen-peer-urls': peerUrl,
      'initial-advertise-peer-urls': peerUrl,
      'initial-cluster': `default=${peerUrl}`,
      'unsafe-no-fsync': 'true',
    });
    programs.push(etcd);
    const clients = await clientCertificates('certified', 'system:masters');
    const clientCa = join(dir, 'clients.crt');
    await writeFile(clientCa, clients.ca);
    const flags = {
      'etcd-servers': etcdUrl,
      'cert-dir': join(dir, 'certs'),
      'secure-port': String(secure),
      'bind-address': '127.0.0.1',
      'service-account-key-file': keyFile,
      'service-account-signing-key-file': keyFile,
      'service-account-issuer': 'https://kubernetes.default.svc',
      'token-auth-file': join(dir, 'tokens.csv'),
      'authorization-mode': 'RBAC',
      'service-cluster-ip-range': options.serviceRange ?? '10.0.0.0/24',
      'disable-admission-plugins': 'ServiceAccount',
      'client-ca-file': clientCa,
    };
    programs.push(new Program(binaries.apiServer, flags));
    const url = `https://127.0.0.1:${secure}`;
    const caFile = join(dir, 'certs', 'apiserver.crt');
    await untilReady(url, caFile, programs);
    const kubeconfig = join(dir, 'kubeconfig');
    await writeFile(kubeconfig, kubeconfigText(url, caFile, tokens));
    return {
      url,
      caFile,
      kubeconfig,
      certified: clients,
      dir,
      tokens,
      kubectl: async (args, more = {}) => await runKubectl(binaries.kubectl, kubeconfig, args, more),
      restart: async (between) => {
        await programs.pop()?.stop();
        await between?.();
        programs.push(new Program(binaries.apiServer, flags));
        await untilReady(url, caFile, programs);
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Text of a kubeconfig with one context a user, all on one cluster. */
export function kubeconfigText(url: string, caFile: string, tokens: ReadonlyMap<string, string>): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': ADMIN,
    clusters: [{ name: 'test', cluster: { server: url, 'certificate-authority': caFile } }],
    users: [...tokens].map(([name, token]) => ({ name, user: { token } })),
    contexts: [...tokens.keys()].map((name) => ({
      name,
      context: { cluster: 'test', user: name, namespace: 'default' },
    })),
  });
}

/** A child process with the end of its log. */
class Program {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #closed: Promise<unknown>;
  readonly #onExit: () => void;
  #log = '';
  ended = false;

  constructor(path: string, flags: Readonly<Record<string, string>>) {
    this.#name = path;
    const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
    this.#child = spawn(path, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      this.#log = (this.#log + chunk).slice(-LOG_BYTES);
    });
    this.#onExit = () => this.#child.kill('SIGKILL');
    process.once('exit', this.#onExit);
    this.#closed = new Promise<void>((done) => {
      const end = () => {
        this.ended = true;
        process.off('exit', this.#onExit);
        done();
      };
      this.#child.once('error', (error) => {
        this.#log += String(error);
        end();
      });
      this.#child.once('close', end);
    });
  }

  describe(): string {
    return `${this.#name}:\n${this.#log.slice(-4_000)}`;
  }

  async stop(): Promise<void> {
    if (!this.ended) this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    await this.#closed;
    clearTimeout(timer);
  }
}

async function untilReady(url: string, caFile: string, programs: readonly Program[]): Promise<void> {
  const end = Date.now() + READY_MS;
  let last = '';
  while (Date.now() < end) {
    const dead = programs.find((program) => program.ended);
    if (dead) throw new Error(`ended before it was ready: ${dead.describe()}`);
    try {
      const dispatcher = new Agent({ connect: { ca: await readFile(caFile, 'utf8') } });
      try {
        const answer = await request(`${url}/readyz`, {
          dispatcher,
          signal: AbortSignal.timeout(2_000),
          headers: { authorization: `Bearer ${ADMIN}-token` },
        });
        last = await answer.body.text();
        if (answer.statusCode === 200) return;
      } finally {
        await dispatcher.destroy();
      }
    } catch (error) {
      last = String(error);
    }
    await wait(100);
  }
  throw new Error(
    `not ready within ${READY_MS / 1000} s: ${last}\n${programs.map((program) => program.describe()).join('\n')}`,
  );
}

/** Ports that were free a moment ago; whoever uses them retries when another program was faster. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address !== null && typeof address === 'object') ports.push(address.port);
  }
  for (const server of servers) {
    server.close();
    await once(server, 'close');
  }
  return ports;
}

async function runKubectl(
  path: string,
  kubeconfig: string,
  args: readonly string[],
  more: { readonly stdin?: string; readonly env?: Readonly<Record<string, string>> },
): Promise<string> {
  return await new Promise((done, failed) => {
    const options = {
      env: { ...process.env, KUBECONFIG: kubeconfig, ...more.env },
      timeout: 60_000,
      maxBuffer: 64 * 1024 * 1024,
    };
    const child = execFile(path, args, options, (error, stdout, stderr) => {
      if (error) failed(new Error(`kubectl ${args.join(' ')}: ${stderr || error.message}`));
      else done(stdout);
    });
    child.stdin?.end(more.stdin ?? '');
  });
}
