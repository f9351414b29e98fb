import { parseArgs } from 'node:util';
import { Gateway } from '../agent/gateway/gateway.ts';
import { tunnelPair, type TunnelPair } from '../agent/gateway/testing/tunnel-pair.ts';
import { VisitorStream } from '../agent/gateway/testing/visitor.ts';
import { Recorder } from '../agent/recorder/recorder.ts';
import { analyze } from '../shared/manifests/analyze.ts';
import { onPath } from './peers/find-program.ts';
import { startFileServer } from './peers/nginx.ts';
import { keepRun, machine, spread, table } from './peers/report.ts';

/**
 * What a request costs the agent's gateway with few and with many routes: a real session, nginx as upstream, interleaved
 * rounds, processor time of this process (gateway and the broker's end of the session).
 *
 * `npm run bench -- routes [--rounds 61] [--requests 100] [--routes 10,10000]`
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '61' },
    requests: { type: 'string', default: '100' },
    routes: { type: 'string', default: '10,10000' },
  },
});
const rounds = Number(values.rounds);
const requests = Number(values.requests);
const counts = values.routes.split(',').map(Number);

/** Different requests: as many for every party, for routes spread over all of its own. */
const ASKED = 10;

/** Of the same length for every route, so that requests of all parties are. */
const number = (at: number): string => String(at).padStart(6, '0');

/** How routes differ: by what a request of the n-th of them looks like. */
const SHAPES = {
  'a host each': {
    rule: (at: number) => `Host(\`h${number(at)}.test\`)`,
    host: (at: number) => `h${number(at)}.test`,
    path: () => '/x',
  },
  'one host, a prefix each': {
    rule: (at: number) => `Host(\`h.test\`) && PathPrefix(\`/v${number(at)}/\`)`,
    host: () => 'h.test',
    path: (at: number) => `/v${number(at)}/x`,
  },
} as const;

interface Party {
  readonly routes: number;
  readonly builtMs: number;
  readonly cpuUs: number[];
  ask(at: number): Promise<number>;
  close(): Promise<void>;
}

function manifests(routes: number, rule: (at: number) => string): string {
  const service =
    'apiVersion: v1\nkind: Service\nmetadata: { name: web, namespace: ns }\nspec: { ports: [{ port: 80 }] }\n';
  const one = (at: number): string =>
    `---\napiVersion: traefik.io/v1alpha1\nkind: IngressRoute\nmetadata: { name: r${at}, namespace: ns }\nspec:\n  routes:\n    - match: ${rule(at)}\n      services: [{ name: web, port: 80 }]\n`;
  return service + Array.from({ length: routes }, (_, at) => one(at)).join('');
}

function start(shape: keyof typeof SHAPES, routes: number, upstream: string): Party {
  const { rule, host, path } = SHAPES[shape];
  // The bound of a file is far below ten thousand routes.
  const text = manifests(routes, rule).split('---\n');
  const files = Array.from({ length: Math.ceil(text.length / 1000) }, (_, at) => ({
    path: `${at}.yaml`,
    text: text.slice(at * 1000, (at + 1) * 1000).join('---\n'),
  }));
  const { config, errors } = analyze(files, { namespace: 'ns' });
  if (errors > 0 || config.routes.length !== routes)
    throw new Error(`${config.routes.length} routes, ${errors} errors`);
  const gateway = new Gateway({ recorder: new Recorder() });
  const hostMap = new Map(config.hosts.map((name) => [`${name}.preview`, name]));
  const begun = performance.now();
  gateway.apply(config, { hostMap, upstreams: new Map([['ns/web:80', upstream]]) });
  const builtMs = performance.now() - begun;
  const pair: TunnelPair = tunnelPair((stream) => gateway.accept(stream, { broker: 'b', region: 'local' }));
  const visitor = new VisitorStream(pair.broker);
  return {
    routes,
    builtMs,
    cpuUs: [],
    async ask(at) {
      const answer = await visitor.ask(path(at), { host: `${host(at)}.preview` });
      // nginx has no such file: its own 404 is the cheapest answer.
      if (answer.status !== 404 || answer.header('content-type') !== 'text/html')
        throw new Error(`${answer.status} ${answer.body.toString()}`);
      return answer.status;
    },
    async close() {
      visitor.stream.end();
      await gateway.close();
      await pair.close();
    },
  };
}

/** What other programs take of the machine only adds: the lower quartile has least of it. */
function quartile(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 4)] ?? 0;
}

async function round(party: Party, from: number): Promise<void> {
  const before = process.cpuUsage();
  for (let index = 0; index < requests; index += 1)
    await party.ask(Math.floor((((from + index) % ASKED) * party.routes) / ASKED));
  const { user, system } = process.cpuUsage(before);
  party.cpuUs.push((user + system) / requests);
}

if (!(rounds >= 1) || !(requests >= 1) || counts.some((count) => !(count >= 1))) {
  console.error('usage: npm run bench -- routes [--rounds N] [--requests N] [--routes N,N]');
  process.exitCode = 2;
} else if ((await onPath('nginx')) === undefined) {
  console.error('needs nginx as upstream: apt-get install nginx');
  process.exitCode = 3;
} else {
  const upstream = await startFileServer({});
  const rows: string[][] = [];
  console.log(`${machine()}\n`);
  try {
    for (const shape of Object.keys(SHAPES) as (keyof typeof SHAPES)[]) {
      const parties = counts.map((count) => start(shape, count, `http://${upstream.address}`));
      for (const party of parties) await round(party, 0);
      for (const party of parties) party.cpuUs.length = 0;
      for (let index = 1; index <= rounds; index += 1)
        for (const party of index % 2 === 0 ? parties : parties.toReversed()) await round(party, index * requests);
      const [first] = parties;
      for (const party of parties) {
        const ratio = quartile(party.cpuUs) / quartile(first?.cpuUs ?? party.cpuUs);
        rows.push([
          shape,
          String(party.routes),
          party.builtMs.toFixed(0),
          quartile(party.cpuUs).toFixed(1),
          spread(party.cpuUs, 1),
          ratio.toFixed(3),
        ]);
      }
      for (const party of parties) await party.close();
    }
  } finally {
    await upstream.stop();
  }
  console.log(
    table(
      ['routes differ by', 'routes', 'built in ms', 'CPU µs a request (lower quartile)', 'spread', `to ${counts[0]}`],
      rows,
    ),
  );
  await keepRun('routes', rows);
}
