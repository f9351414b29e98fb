import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { observeConfig } from '../../../shared/workspace/observe-config.ts';
import { managed } from '../testing/config.ts';
import { useGateway } from '../testing/use-gateway.ts';
import { Observer } from './observer.ts';

const start = useGateway();
let stateDir: string;
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'adit-observe-'));
});
afterEach(() => rm(stateDir, { recursive: true }));

test('exchanges are counted and written down while a workspace asks for it, and not after', async () => {
  const { ask, recorder, url } = await start(managed());
  const observer = new Observer(recorder, stateDir, pino({ level: 'silent' }));
  expect(await observer.metricsText()).toBeUndefined();
  expect(recorder.watchFor).toBeUndefined();
  observer.configure(observeConfig.parse({ accessLog: true, metrics: true }));
  await observer.metricsText();
  const file = join(stateDir, 'access.log');
  await expect
    .poll(() =>
      stat(file).then(
        ({ mode }) => mode & 0o777,
        () => 0,
      ),
    )
    .toBe(0o600);
  await ask('/pets?api_key=key-good', { headers: { 'X-Forwarded-For': '192.0.2.7' } });
  await ask('/pets', { method: 'DELETE' });
  const text = (await observer.metricsText()) ?? '';
  expect(text).toContain('traefik_hub_api_requests_total{code="200",method="GET",api_name="shop/pets"} 1');
  expect(text).toContain('traefik_hub_api_requests_total{code="401",method="DELETE",api_name="shop/pets"} 1');
  expect(text).toContain('traefik_hub_api_requests_duration_milliseconds_bucket');
  expect(text).toMatch(/traefik_router_requests_total\{[^}]*router="IngressRoute\/shop\/pets#0"/);
  observer.configure({});
  expect(recorder.watchFor).toBeUndefined();
  await expect.poll(async () => (await readFile(file, 'utf8')).trim().split('\n').length).toBe(2);
  const written = await readFile(file, 'utf8');
  expect(written).not.toContain('key-good');
  const lines = written
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
  expect(lines[0]).toMatchObject({
    RouterName: 'IngressRoute/shop/pets#0',
    ServiceURL: url,
    ClientHost: '192.0.2.7',
    RequestMethod: 'GET',
    DownstreamStatus: 200,
    OriginStatus: 200,
    RequestCount: 1,
  });
  expect(lines[1]).toMatchObject({ DownstreamStatus: 401, OriginStatus: 0 });
  await observer.close();
});
