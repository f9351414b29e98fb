import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { promisify } from 'node:util';
import { brokerList } from '../shared/control/api.ts';

export interface Finding {
  readonly check: string;
  readonly state: 'ok' | 'warning' | 'failed';
  readonly message: string;
  readonly hint?: string | undefined;
}

type Check = () => Promise<Finding[]>;

const run = promisify(execFile);
const TIMEOUT_MS = 5_000;
/** A clock that is off by more lets fresh tokens look expired. */
const CLOCK_SKEW_MS = 30_000;

/** Each looks at one thing and never throws. */
export function checks(control: string | undefined): Check[] {
  return [
    node,
    nativeMasking,
    git,
    kubectl,
    loopback,
    localhostNames,
    ...(control === undefined ? [] : [() => controlPlane(control)]),
  ];
}

async function node(): Promise<Finding[]> {
  const [major = 0] = process.versions.node.split('.').map(Number);
  const message = `Node.js ${process.versions.node}`;
  if (major >= 24) return [{ check: 'node', state: 'ok', message }];
  return [
    {
      check: 'node',
      state: 'failed',
      message,
      hint: 'Adit runs on Node.js 24: start it with npm, which brings it, or install it',
    },
  ];
}

async function nativeMasking(): Promise<Finding[]> {
  try {
    createRequire(import.meta.url)('bufferutil');
    return [{ check: 'bufferutil', state: 'ok', message: 'native WebSocket masking' }];
  } catch (error) {
    return [
      {
        check: 'bufferutil',
        state: 'warning',
        message: `no native WebSocket masking: tunnels carry about a quarter of the bytes (${firstLine(error)})`,
        hint: 'npm ci installs it',
      },
    ];
  }
}

async function git(): Promise<Finding[]> {
  try {
    const { stdout } = await run('git', ['--version'], { timeout: TIMEOUT_MS });
    const identity = await Promise.all(
      ['user.name', 'user.email'].map((key) =>
        run('git', ['config', '--get', key], { timeout: TIMEOUT_MS }).then(
          () => true,
          () => false,
        ),
      ),
    );
    const known = identity.every(Boolean);
    return [
      { check: 'git', state: 'ok', message: stdout.trim() },
      known
        ? { check: 'git identity', state: 'ok', message: 'user.name and user.email are set' }
        : {
            check: 'git identity',
            state: 'warning',
            message: 'user.name or user.email is not set',
            hint: 'git config --global user.name "…"; git config --global user.email "…"',
          },
    ];
  } catch (error) {
    return [
      {
        check: 'git',
        state: 'failed',
        message: `git does not run: ${firstLine(error)}`,
        hint: 'install Git and put it on PATH; without it everything works but Commit',
      },
    ];
  }
}

async function kubectl(): Promise<Finding[]> {
  try {
    const { stdout } = await run('kubectl', ['version', '--client', '-o', 'json'], { timeout: TIMEOUT_MS });
    const version: unknown = JSON.parse(stdout);
    const text =
      typeof version === 'object' && version !== null && 'clientVersion' in version
        ? JSON.stringify(version.clientVersion)
        : '';
    return [{ check: 'kubectl', state: 'ok', message: /"gitVersion":"([^"]+)"/.exec(text)?.[1] ?? 'found' }];
  } catch {
    return [
      {
        check: 'kubectl',
        state: 'warning',
        message: 'not found; Adit itself does not need it',
        hint: 'exec credential plugins and kustomize overlays may',
      },
    ];
  }
}

async function loopback(): Promise<Finding[]> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) =>
      resolve([
        {
          check: 'loopback',
          state: 'failed',
          message: `cannot listen on 127.0.0.1: ${error.message}`,
          hint: 'a firewall or sandbox forbids local listeners',
        },
      ]),
    );
    server.listen(0, '127.0.0.1', () =>
      server.close(() => resolve([{ check: 'loopback', state: 'ok', message: 'can listen on 127.0.0.1' }])),
    );
  });
}

async function localhostNames(): Promise<Finding[]> {
  const { lookup } = await import('node:dns/promises');
  try {
    const { address } = await lookup('adit-doctor.localhost');
    const local = address === '::1' || address.startsWith('127.');
    if (local) return [{ check: 'names', state: 'ok', message: `*.localhost leads to ${address}` }];
    return [
      {
        check: 'names',
        state: 'warning',
        message: `*.localhost leads to ${address}`,
        hint: 'open preview URLs in a browser, which resolves them itself',
      },
    ];
  } catch {
    return [
      {
        check: 'names',
        state: 'warning',
        message: 'this system does not resolve *.localhost; browsers and curl do it themselves',
        hint: 'other clients: use the broker address with the Host header',
      },
    ];
  }
}

async function controlPlane(url: string): Promise<Finding[]> {
  const started = performance.now();
  try {
    const response = await fetch(new URL('/v1/brokers', url), { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const took = `${(performance.now() - started).toFixed(0)} ms`;
    if (!response.ok)
      return [
        {
          check: 'control',
          state: 'failed',
          message: `${url} answered ${response.status}`,
          hint: 'is this the address of an Adit control plane?',
        },
      ];
    const list = brokerList.parse(await response.json());
    return [
      { check: 'control', state: 'ok', message: `${url} answers in ${took}` },
      clock(response.headers.get('date')),
      ...(await Promise.all(list.brokers.map(({ id, tunnel }) => brokerTunnel(id, tunnel)))),
      ...(list.brokers.length < 3
        ? [
            {
              check: 'brokers',
              state: 'warning' as const,
              message: `only ${list.brokers.length} registered`,
              hint: 'run at least three, so that two may die',
            },
          ]
        : []),
    ];
  } catch (error) {
    return [
      {
        check: 'control',
        state: 'failed',
        message: `${url} cannot be reached: ${cause(error)}`,
        hint: 'check the address, DNS, proxy and firewall',
      },
    ];
  }
}

function clock(date: string | null): Finding {
  const skew = date === null ? Number.NaN : Date.parse(date) - Date.now();
  if (Number.isNaN(skew)) return { check: 'clock', state: 'warning', message: 'the control plane told no time' };
  if (Math.abs(skew) < CLOCK_SKEW_MS) return { check: 'clock', state: 'ok', message: 'agrees with the control plane' };
  return {
    check: 'clock',
    state: 'failed',
    message: `off by ${Math.round(skew / 1000)} s`,
    hint: 'tokens would look expired: turn time synchronisation on',
  };
}

async function brokerTunnel(id: string, tunnel: string): Promise<Finding> {
  const url = new URL(tunnel);
  url.protocol = url.protocol === 'wss:' ? 'https:' : 'http:';
  const started = performance.now();
  try {
    // A tunnel endpoint refuses a request without an upgrade (426) or without a token (401): either proves the way there.
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    return {
      check: `broker ${id}`,
      state: 'ok',
      message: `${tunnel} answers (${response.status}) in ${(performance.now() - started).toFixed(0)} ms`,
    };
  } catch (error) {
    return {
      check: `broker ${id}`,
      state: 'failed',
      message: `${tunnel} cannot be reached: ${cause(error)}`,
      hint: 'check proxy, firewall and certificate authorities (--ca-file)',
    };
  }
}

function cause(error: unknown): string {
  return error instanceof Error && error.cause instanceof Error ? error.cause.message : firstLine(error);
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}
