import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { request } from 'undici';
import { otlpReceiver } from '../../agent/gateway/observe/testing/otlp-receiver.ts';
import { freePort, startServer } from '../../bench/peers/server-process.ts';
import { until } from '../support/running-stack.ts';
import { askAll, linesOf, PATHS, sumOf, type Told } from './told.ts';

/** Lets a real Traefik tell of the requests, with the routes in a file of its own. `url`: of the upstream. */
export async function tellTraefik(command: string, home: string, url: string): Promise<Told> {
  const otlp = await otlpReceiver();
  const gone = `http://127.0.0.1:${await freePort()}`;
  const dynamic = join(home, 'dynamic.yaml');
  const service = (at: string): unknown => ({ loadBalancer: { servers: [{ url: at }] } });
  const router = (path: string, to: string, middlewares: string[] = []): unknown => ({
    rule: `Path(\`${path}\`)`,
    service: to,
    middlewares,
  });
  writeFileSync(
    dynamic,
    JSON.stringify({
      http: {
        routers: {
          plain: router('/plain', 'echo'),
          failing: router('/failing', 'echo'),
          packed: router('/packed', 'echo', ['packed']),
          dead: router('/dead', 'gone', ['again']),
          refused: router('/refused', 'echo', ['refused']),
          allowed: router('/allowed', 'echo', ['allowed']),
        },
        services: { echo: service(url), gone: service(gone) },
        middlewares: {
          packed: { compress: {} },
          again: { retry: { attempts: 3 } },
          refused: { forwardAuth: { address: `${url}/refused` } },
          allowed: { forwardAuth: { address: `${url}/allowed` } },
        },
      },
    }),
  );
  const log = join(home, 'traefik-access.log');
  const port = await freePort();
  const apiPort = await freePort();
  const server = await startServer(
    command,
    [
      // Says when the routes are there, and counts nowhere.
      '--api.insecure=true',
      `--entrypoints.traefik.address=127.0.0.1:${apiPort}`,
      `--entrypoints.web.address=127.0.0.1:${port}`,
      `--providers.file.filename=${dynamic}`,
      '--global.checknewversion=false',
      '--global.sendanonymoususage=false',
      '--accesslog=true',
      `--accesslog.filepath=${log}`,
      '--accesslog.format=json',
      '--accesslog.fields.headers.names.X-Asked=keep',
      '--accesslog.fields.headers.names.X-Upstream=keep',
      `--metrics.otlp.http.endpoint=${otlp.url}/v1/metrics`,
      '--metrics.otlp.addRoutersLabels=true',
      '--metrics.otlp.pushInterval=100ms',
      `--tracing.otlp.http.endpoint=${otlp.url}/v1/traces`,
    ],
    { port, env: { OTEL_BSP_SCHEDULE_DELAY: '100' } },
  );
  try {
    await until('Traefik has its routes', async () => {
      const { body } = await request(`http://127.0.0.1:${apiPort}/api/http/routers`);
      return (await body.text()).includes('allowed@file');
    });
    await askAll(`127.0.0.1:${port}`, 'shop.test');
    await until('all spans are there', () => otlp.spans.filter(({ kind }) => kind === 2).length >= PATHS.length);
    await until('all are counted', () => sumOf(otlp) >= PATHS.length);
    const lines = await linesOf(log);
    return { lines, otlp };
  } finally {
    await server.stop();
  }
}
