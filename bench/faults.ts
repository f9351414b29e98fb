import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import buildIfStale from '../e2e/support/build-if-stale.ts';
import { adit, RunningProgram } from '../e2e/support/running-stack.ts';
import { startEmulatedLink, whyNoLink } from './faults/emulated-link.ts';
import type { Condition } from './faults/emulated-link.ts';

/**
 * `npm run bench -- faults`: control plane, brokers, edge and visitor on one side of a bad network, agent and upstream on
 * the other. Prints what still works as the table of docs/faults.md.
 */
const missing = whyNoLink();
if (missing !== undefined) {
  console.log(`skipped: ${missing}`);
  process.exit(process.env['CI'] === 'true' ? 1 : 0);
}

const GOOD: Condition = { delayMs: 0, jitterMs: 0, loss: 0, mbit: 0 };
const CONDITIONS: readonly [name: string, condition: Condition][] = [
  ['no fault', GOOD],
  ['40 ± 20 ms', { ...GOOD, delayMs: 20, jitterMs: 10 }],
  ['10 Mbit/s', { ...GOOD, mbit: 10 }],
  ['loss 1 %', { ...GOOD, loss: 0.01 }],
  ['loss 5 %', { ...GOOD, loss: 0.05 }],
  ['40 ± 20 ms, loss 1 %', { ...GOOD, delayMs: 20, jitterMs: 10, loss: 0.01 }],
  ['40 ± 20 ms, loss 5 %, 10 Mbit/s', { delayMs: 20, jitterMs: 10, loss: 0.05, mbit: 10 }],
];
const SECRETS = {
  ADIT_ENROLMENT_KEY: 'enrolment-key-of-the-bench',
  ADIT_BROKER_KEY: 'broker-key-of-the-bench',
  ADIT_PEER_SECRET: 'peer-secret-of-the-bench',
  ADIT_AGENT_TOKEN: 'agent-token-of-the-bench',
};
const probeReport = z.object({
  gets: z.number(),
  failed: z.number(),
  p50Ms: z.number().nullable(),
  p99Ms: z.number().nullable(),
  /** MB/s; null when it failed. */
  download: z.number().nullable(),
  echo: z.number().nullable(),
  events: z.boolean(),
  socket: z.boolean(),
});

await buildIfStale();
const link = await startEmulatedLink();
const dir = mkdtempSync(join(tmpdir(), 'adit-faults-'));
const running: RunningProgram[] = [];
const run = (namespace: string, args: readonly string[]): RunningProgram => {
  const program = new RunningProgram('ip', ['netns', 'exec', namespace, process.execPath, ...args], { env: SECRETS });
  running.push(program);
  return program;
};
const start = async (
  namespace: string,
  args: readonly string[],
): Promise<{ program: RunningProgram; said: Record<string, unknown> }> => {
  const program = run(namespace, [...args]);
  return { program, said: await program.line(({ event }) => event === 'ready') };
};
const role = (namespace: string, ...args: string[]): ReturnType<typeof start> =>
  start(namespace, [adit, ...args, '--json', '--log-level', 'error']);

try {
  const { near, far } = link;
  const upstream = await start(far.namespace, [join(import.meta.dirname, 'faults/upstream-process.ts')]);
  const control = await role(
    near.namespace,
    'control',
    '--listen',
    `${near.address}:0`,
    '--database',
    join(dir, 'control.db'),
  );
  const controlUrl = `http://${String(control.said['address'])}`;
  const peers: string[] = [];
  for (const id of ['b1', 'b2', 'b3']) {
    const { said } = await role(
      near.namespace,
      'broker',
      '--id',
      id,
      '--region',
      id,
      '--role',
      'tunnel',
      '--control',
      controlUrl,
      '--listen',
      '127.0.0.1:0',
      '--peer-listen',
      '127.0.0.1:0',
      '--tunnel-listen',
      `${near.address}:0`,
      '--grace',
      '1',
    );
    peers.push('--peer', String(said['peer']));
  }
  const edge = await role(
    near.namespace,
    'broker',
    '--id',
    'edge',
    '--role',
    'edge',
    '--control',
    controlUrl,
    '--listen',
    '127.0.0.1:0',
    ...peers,
  );
  const agent = await role(
    far.namespace,
    'agent',
    '--control',
    controlUrl,
    '--listen',
    '127.0.0.1:0',
    '--state-dir',
    join(dir, 'agent'),
  );
  const preview = run(far.namespace, [
    join(import.meta.dirname, 'faults/preview-process.ts'),
    String(agent.said['address']),
    String(upstream.said['url']),
  ]);
  const { host } = await preview.line(({ event }) => event === 'ready');

  console.log(
    '| network | 1 KiB GETs failed | p50 / p99 ms | 2 MiB down MB/s | 512 KiB echo MB/s | events | WebSocket | sessions lost |',
  );
  console.log('|---|---|---|---|---|---|---|---|');
  for (const [name, condition] of CONDITIONS) {
    await link.set(condition);
    const before = agent.program.lines.length;
    const probe = run(near.namespace, [
      join(import.meta.dirname, 'faults/probe-process.ts'),
      String(edge.said['address']),
      String(host),
    ]);
    const found = probeReport.parse(await probe.line((line) => 'gets' in line));
    const lost = agent.program.lines.slice(before).filter(({ event }) => event === 'session-down').length;
    const number = (value: number | null, digits: number): string =>
      value === null ? 'failed' : value.toFixed(digits);
    console.log(
      `| ${name} | ${found.failed} of ${found.gets} | ${number(found.p50Ms, 0)} / ${number(found.p99Ms, 0)} | ${number(found.download, 2)} | ` +
        `${number(found.echo, 2)} | ${found.events ? 'flow' : 'cut'} | ${found.socket ? 'answers' : 'cut'} | ${lost} |`,
    );
  }
} finally {
  await Promise.all(running.map((program) => program.stop('SIGKILL')));
  await link.stop();
  rmSync(dir, { recursive: true, force: true });
}
