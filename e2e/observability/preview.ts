import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { otlpReceiver } from '../../agent/gateway/observe/testing/otlp-receiver.ts';
import { freePort } from '../../bench/peers/server-process.ts';
import { startUp, until } from '../support/running-stack.ts';
import { askAll, linesOf, PATHS, sumOf, type Told } from './told.ts';

/** Lets `adit up --preview` tell of the requests, through a broker. `url`: of the upstream. */
export async function tellPreview(home: string, url: string): Promise<Told> {
  const otlp = await otlpReceiver();
  const gone = `http://127.0.0.1:${await freePort()}`;
  const dir = join(home, 'work');
  const stateDir = join(home, 'state');
  mkdirSync(dir);
  const otlpAt = `otlp: { http: { endpoint: "${otlp.url}" } }`;
  writeFileSync(
    join(dir, 'adit.yaml'),
    `name: told
namespace: shop
upstreams: { echo: { url: "${url}" }, gone: { url: "${gone}" } }
observe:
  accessLog: { fields: { headers: { names: { X-Asked: keep, X-Upstream: keep } } } }
  metrics: { otlp: { http: { endpoint: "${otlp.url}" }, addRoutersLabels: true, pushInterval: 100ms } }
  tracing: { ${otlpAt} }
`,
  );
  const object = (kind: string, name: string, spec: unknown): string =>
    JSON.stringify({ apiVersion: 'traefik.io/v1alpha1', kind, metadata: { name, namespace: 'shop' }, spec });
  const service = (name: string): string =>
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'shop' },
      spec: { ports: [{ port: 80 }] },
    });
  const rule = (path: string, to: string, middlewares: string[] = []): unknown => ({
    kind: 'Rule',
    match: `Path(\`${path}\`)`,
    services: [{ name: to, port: 80 }],
    middlewares: middlewares.map((name) => ({ name })),
  });
  writeFileSync(
    join(dir, 'all.yaml'),
    [
      service('echo'),
      service('gone'),
      object('Middleware', 'packed', { compress: {} }),
      object('Middleware', 'again', { retry: { attempts: 3 } }),
      object('Middleware', 'refused', { forwardAuth: { address: `${url}/refused` } }),
      object('Middleware', 'allowed', { forwardAuth: { address: `${url}/allowed` } }),
      object('IngressRoute', 'all', {
        routes: [
          rule('/plain', 'echo'),
          rule('/failing', 'echo'),
          rule('/packed', 'echo', ['packed']),
          rule('/dead', 'gone', ['again']),
          rule('/refused', 'echo', ['refused']),
          rule('/allowed', 'echo', ['allowed']),
        ],
      }),
    ].join('\n---\n'),
  );
  const { program: running, ready } = await startUp(dir, ['--state-dir', stateDir]);
  try {
    const [broker] = ready.brokers;
    if (broker === undefined) throw new Error('no broker');
    await askAll(broker.address, ready.host);
    await until('all are counted', async () => sumOf(otlp) >= PATHS.length);
  } finally {
    // What waits is sent when the agent ends.
    await running.stop();
  }
  return { lines: await linesOf(join(stateDir, 'agent', 'access.log')), otlp };
}
