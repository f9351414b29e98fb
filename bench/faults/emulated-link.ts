import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface Condition {
  /** Of one direction. */
  readonly delayMs: number;
  readonly jitterMs: number;
  readonly loss: number;
  /** 0: no bottleneck. */
  readonly mbit: number;
}

export interface EmulatedLink {
  /** Namespaces and their addresses on the link. */
  readonly near: { readonly namespace: string; readonly address: string };
  readonly far: { readonly namespace: string; readonly address: string };
  set(condition: Condition): Promise<void>;
  stop(): Promise<void>;
}

const source = join(import.meta.dirname, 'emulator/main.go');

/** Why no link can be made on this machine, or undefined. */
export function whyNoLink(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'network namespaces need root on Linux';
  if (!existsSync('/dev/net/tun')) return '/dev/net/tun is missing';
  for (const [program, ...args] of [
    ['ip', '-V'],
    ['go', 'version'],
  ]) {
    try {
      execFileSync(program ?? '', args, { stdio: 'ignore' });
    } catch {
      return `${program} is not installed`;
    }
  }
  return undefined;
}

/** Two network namespaces, joined by nothing but an emulator of bad networks. */
export async function startEmulatedLink(): Promise<EmulatedLink> {
  const emulator = buildEmulator();
  const id = process.pid.toString(36);
  const near = { namespace: `adit-${id}-n`, address: '10.231.7.1', device: `adn${id}` };
  const far = { namespace: `adit-${id}-f`, address: '10.231.7.2', device: `adf${id}` };
  const ip = (...args: string[]): void => void execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const child = spawn(emulator, [near.device, far.device], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const stop = async (): Promise<void> => {
    child.stdin.end();
    child.kill();
    await exited;
    for (const { namespace } of [near, far]) if (existsSync(`/run/netns/${namespace}`)) ip('netns', 'del', namespace);
  };
  try {
    const first = await Promise.race([lines.next(), exited]);
    if (!('value' in first) || first.value !== 'ready') throw new Error('the emulator did not start');
    for (const [end, other] of [
      [near, far],
      [far, near],
    ] as const) {
      ip('netns', 'add', end.namespace);
      ip('link', 'set', end.device, 'netns', end.namespace);
      ip('-n', end.namespace, 'addr', 'add', end.address, 'peer', other.address, 'dev', end.device);
      ip('-n', end.namespace, 'link', 'set', end.device, 'up');
      ip('-n', end.namespace, 'link', 'set', 'lo', 'up');
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    near,
    far,
    async set(condition) {
      child.stdin.write(`${JSON.stringify(condition)}\n`);
      await lines.next();
    },
    stop,
  };
}

function buildEmulator(): string {
  const dir = join(homedir(), '.cache/adit');
  const binary = join(dir, `emulator-${createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 16)}`);
  if (!existsSync(binary)) {
    mkdirSync(dir, { recursive: true });
    execFileSync('go', ['build', '-o', binary, source], {
      stdio: 'inherit',
      env: { ...process.env, CGO_ENABLED: '0' },
    });
  }
  return binary;
}
