import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { developmentCertificates } from '../main/stack/development-ca.ts';
import { onPath } from './peers/find-program.ts';
import { startFileServer, startHttpFront } from './peers/nginx.ts';
import { cpuMicroseconds, withDescendants } from './peers/process-cost.ts';
import { keepRun, machine, median, spread, table } from './peers/report.ts';
import { runWrk } from './peers/wrk.ts';
import { startConnectProxy } from './transports/connect-proxy.ts';
import { isTlsHello, startRelay } from './transports/relay.ts';
import {
  noTransport,
  ours,
  sshOverTcp,
  sshOverWebSocket,
  type RunningAgent,
  type RunningTransport,
  type Transport,
} from './transports/transport.ts';
import { untilAnswers } from './transports/until-answers.ts';

/**
 * What could carry a tunnel: the transport of Adit beside those that its design rejects. All do the same work, TCP
 * connections of visitors spliced to the upstream, encrypted, each end a process of its own.
 */
const SMALL = '1k';
const LARGE = '16m';
const UP_WITHIN_MS = 10_000;
/** Longer than this nobody waits for a preview. */
const BACK_WITHIN_MS = 10_000;
const PASSES_WITHIN_MS = 2_500;

interface Figures {
  readonly name: string;
  readonly requestsPerSecond: number[];
  readonly megabytesPerSecond: number[];
  readonly cpuPerRequest: number[];
  /** Bytes on the wire of a request and its answer, by connections at once. */
  readonly wire: Record<number, number>;
  readonly afterCutMs: (number | undefined)[];
  readonly afterSilenceMs: (number | undefined)[];
  passesConnect: boolean;
  passesTlsOnly: boolean;
  passesHttpFront: boolean;
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '2' },
    only: { type: 'string' },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const transports = [
  noTransport,
  ours('Yamux over WebSocket (ours)', 'yamux-wss'),
  ours('Yamux over TCP', 'yamux-tcp'),
  ours('Yamux over gRPC', 'yamux-grpc'),
  ours('HTTP/2 streams', 'http2'),
  sshOverTcp,
  sshOverWebSocket,
].filter(({ name }) => values.only === undefined || values.only.split(',').includes(name));

if (!(rounds >= 1) || !(seconds >= 1) || transports.length === 0) {
  console.error('usage: npm run bench -- transports [--rounds N] [--seconds N] [--only NAME,…]');
  process.exitCode = 2;
} else if ((await onPath('wrk')) === undefined || (await onPath('nginx')) === undefined) {
  console.error('needs wrk for load and nginx as upstream: apt-get install nginx wrk');
  process.exitCode = 3;
} else await measure(transports);

async function measure(wanted: readonly Transport[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'adit-bench-'));
  const files = await startFileServer({ [SMALL]: 1_024, [LARGE]: 16 * 2 ** 20 });
  const upstream = Number(files.address.split(':')[1]);
  const running: { transport: RunningTransport; figures: Figures }[] = [];
  try {
    for (const [name, text] of Object.entries(await developmentCertificates()))
      await writeFile(join(folder, `${name}.pem`), String(text), { mode: 0o600 });
    for (const { name, start } of wanted) {
      const transport = await start(folder, upstream);
      if ('missing' in transport) console.log(`${name}: not measured: ${transport.missing}`);
      else running.push({ transport, figures: noFigures(name) });
    }
    await speed(running);
    for (const { transport, figures } of running) await resilience(folder, transport, figures);
  } finally {
    await Promise.all(running.map(({ transport }) => transport.stop()));
    await files.stop();
    await rm(folder, { recursive: true, force: true });
  }
  report(running.map(({ figures }) => figures));
  await keepRun(
    'transports',
    running.map(({ figures }) => figures),
  );
}

/** Without the relay, which costs more than some of them; rounds are interleaved, the first one warms up. */
async function speed(running: readonly { transport: RunningTransport; figures: Figures }[]): Promise<void> {
  const agents: RunningAgent[] = [];
  try {
    for (const { transport, figures } of running)
      agents.push(await startedAgent(figures.name, transport, transport.tunnel));
    for (let round = 0; round <= rounds; round++) {
      for (const [at, { transport, figures }] of running.entries()) {
        const agent = agents[at];
        if (agent === undefined) continue;
        const pids = [...transport.brokers, ...agent.pids].flatMap(withDescendants);
        const used = (): number => pids.reduce((sum, pid) => sum + cpuMicroseconds(pid), 0);
        const before = used();
        const small = await runWrk(`http://127.0.0.1:${agent.visitors}/${SMALL}`, { connections: 64, seconds });
        const cpu = (used() - before) / Math.max(1, small.requests);
        const large = await runWrk(`http://127.0.0.1:${agent.visitors}/${LARGE}`, { connections: 1, seconds });
        if (round === 0) continue;
        figures.requestsPerSecond.push(small.requestsPerSecond);
        figures.cpuPerRequest.push(cpu);
        figures.megabytesPerSecond.push(large.bytesPerSecond / 1e6);
      }
    }
  } finally {
    await Promise.all(agents.map((agent) => agent.stop()));
  }
}

/** Through a relay that counts and breaks, then through proxies. */
async function resilience(folder: string, transport: RunningTransport, figures: Figures): Promise<void> {
  const relay = await startRelay(transport.tunnel);
  let agent: RunningAgent | undefined;
  try {
    agent = await startedAgent(figures.name, transport, relay.port);
    const url = `http://127.0.0.1:${agent.visitors}/${SMALL}`;
    for (const connections of [1, 32]) {
      const before = relay.bytes();
      const { requests } = await runWrk(url, { connections, seconds: 1 });
      figures.wire[connections] = (relay.bytes() - before) / Math.max(1, requests);
    }
    if (transport.brokers.length > 0) {
      for (let round = 0; round < rounds; round++) {
        relay.cut();
        figures.afterCutMs.push(await untilAnswers(url, BACK_WITHIN_MS));
      }
      relay.silence();
      figures.afterSilenceMs.push(await untilAnswers(url, BACK_WITHIN_MS));
    }
  } finally {
    await agent?.stop();
    relay.close();
  }
  if (transport.brokers.length === 0) return;
  const proxy = await startConnectProxy(transport.tunnel);
  figures.passesConnect = await passes(transport, proxy.port);
  proxy.close();
  const strict = await startRelay(transport.tunnel, isTlsHello);
  figures.passesTlsOnly = await passes(transport, strict.port);
  strict.close();
  const pem = (name: string): string => join(folder, `${name}.pem`);
  const front = await startHttpFront({ cert: pem('cert'), key: pem('key') }, transport.tunnel);
  figures.passesHttpFront = await passes(transport, Number(front.address.split(':')[1]));
  await front.stop();
}

async function passes(transport: RunningTransport, through: number): Promise<boolean> {
  const agent = await transport.agent(through);
  try {
    return (await untilAnswers(`http://127.0.0.1:${agent.visitors}/${SMALL}`, PASSES_WITHIN_MS)) !== undefined;
  } finally {
    await agent.stop();
  }
}

async function startedAgent(name: string, transport: RunningTransport, through: number): Promise<RunningAgent> {
  const agent = await transport.agent(through);
  if ((await untilAnswers(`http://127.0.0.1:${agent.visitors}/${SMALL}`, UP_WITHIN_MS)) !== undefined) return agent;
  await agent.stop();
  throw new Error(`${name} does not carry anything within ${UP_WITHIN_MS} ms; the agent said: ${agent.said()}`);
}

function report(all: readonly Figures[]): void {
  const ms = (times: readonly (number | undefined)[]): string => {
    if (times.length === 0) return '–';
    return times.includes(undefined) ? `> ${BACK_WITHIN_MS}` : median(times.map(Number)).toFixed(0);
  };
  const yesNo = (passed: boolean, figures: Figures): string =>
    figures.afterCutMs.length === 0 ? '–' : passed ? 'yes' : 'no';
  console.log(`\n${machine()}, ${rounds} rounds of ${seconds} s, interleaved\n`);
  console.log(
    table(
      [
        '',
        'requests/s (1 KB, c=64)',
        'CPU µs/request',
        'MB/s, one stream',
        'wire bytes/request c=1',
        'c=32',
        'back after a cut, ms',
        'after silence, ms',
        'passes CONNECT',
        'passes where only TLS may',
        'passes an HTTP/1.1 front',
      ],
      all.map((figures) => [
        figures.name,
        spread(figures.requestsPerSecond),
        median(figures.cpuPerRequest).toFixed(0),
        spread(figures.megabytesPerSecond),
        (figures.wire[1] ?? Number.NaN).toFixed(0),
        (figures.wire[32] ?? Number.NaN).toFixed(0),
        ms(figures.afterCutMs),
        ms(figures.afterSilenceMs),
        yesNo(figures.passesConnect, figures),
        yesNo(figures.passesTlsOnly, figures),
        yesNo(figures.passesHttpFront, figures),
      ]),
    ),
  );
}

function noFigures(name: string): Figures {
  return {
    name,
    requestsPerSecond: [],
    megabytesPerSecond: [],
    cpuPerRequest: [],
    wire: {},
    afterCutMs: [],
    afterSilenceMs: [],
    passesConnect: false,
    passesTlsOnly: false,
    passesHttpFront: false,
  };
}
