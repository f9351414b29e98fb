import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { compileAddon, compileProgram } from '../native/compile.ts';

export interface Program {
  readonly pid: number;
  stop(): Promise<void>;
}

/** `adit up` with a plain upstream. */
export interface Stack extends Program {
  /** Preview host, for `Host`. */
  readonly host: string;
  /** Public listener of the first broker. */
  readonly broker: { readonly address: string; readonly pid: number };
  readonly edge: { readonly address: string; readonly pid: number };
  readonly agent: { readonly pid: number };
}

/** Starts the bundle in `dist`; its parts answer once it resolves. */
export async function startStack(dist: string, upstream: string): Promise<Stack> {
  const { program, line } = await start([join(dist, 'adit.js'), 'up', '--preview', `http://${upstream}`, '--json']);
  const ready = JSON.parse(line) as {
    host: string;
    brokers: { address: string; pid: number }[];
    edge: { address: string; pid: number };
    agent: { pid: number };
  };
  const [broker] = ready.brokers;
  if (broker === undefined) throw new Error('the stack has no broker');
  return { ...program, host: ready.host, broker, edge: ready.edge, agent: ready.agent };
}

export async function startUndiciProxy(upstream: string): Promise<Program & { readonly address: string }> {
  const { program, line } = await start([fileURLToPath(new URL('./undici-proxy.ts', import.meta.url)), upstream]);
  return { ...program, address: line };
}

/** A server of `node:net` that gives everybody the same answer. */
export async function startFixedAnswers(bodyBytes: number): Promise<Program & { readonly address: string }> {
  const program = fileURLToPath(new URL('./fixed-answers.ts', import.meta.url));
  const started = await start([program, String(bodyBytes)]);
  return { ...started.program, address: started.line };
}

/** The same with sockets in native code, compiled here. */
export async function startNativeAnswers(bodyBytes: number): Promise<Program & { readonly address: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'adit-bench-'));
  const addon = await compileAddon('batches', folder);
  const program = fileURLToPath(new URL('../native/fixed-answers-process.ts', import.meta.url));
  const started = await start([program, addon, String(bodyBytes)]);
  const stop = async (): Promise<void> => {
    await started.program.stop();
    await rm(folder, { recursive: true });
  };
  return { pid: started.program.pid, stop, address: started.line };
}

/** A tunnel of two programs in C that look at nothing, compiled here: see `bench/native/splice.c`. */
export async function startNativeSplice(upstream: string): Promise<{
  readonly address: string;
  readonly broker: number;
  readonly agent: number;
  stop(): Promise<void>;
}> {
  const folder = await mkdtemp(join(tmpdir(), 'adit-bench-'));
  const splice = await compileProgram('splice', folder);
  const broker = await start(['broker'], splice);
  const [visitors = '', tunnel = ''] = broker.line.split(' ');
  const agent = await start(['agent', tunnel, upstream.split(':').at(-1) ?? ''], splice);
  const stop = async (): Promise<void> => {
    await Promise.all([broker.program.stop(), agent.program.stop()]);
    await rm(folder, { recursive: true });
  };
  return { address: `127.0.0.1:${visitors}`, broker: broker.program.pid, agent: agent.program.pid, stop };
}

/** Runs a program, of Node unless told otherwise, until its first line of output. */
async function start(args: readonly string[], command = process.execPath): Promise<{ program: Program; line: string }> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = (await Promise.race([
    once(createInterface({ input: child.stdout }), 'line'),
    once(child, 'exit').then(() => Promise.reject(new Error(`${args.join(' ')} ended before it was ready`))),
  ])) as [string];
  const { pid } = child;
  if (pid === undefined) throw new Error(`${args.join(' ')} did not start`);
  return { program: { pid, stop: () => stop(child) }, line };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.stdin?.end();
  child.kill('SIGTERM');
  await exited;
}
