import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { closeServer, listen } from '../../agent/gateway/testing/gateway-under-test.ts';
import { findProgram } from '../../bench/peers/find-program.ts';
import { traefikRecipe } from '../../bench/peers/recipes.ts';
import { tellPreview } from './preview.ts';
import { PATHS, type Told } from './told.ts';
import { tellTraefik } from './traefik.ts';

/** A real Traefik and `adit up` tell of the same requests; what they call what they tell is compared. */

/** What may differ, with the reason. */
const ALLOWED: Readonly<Record<string, string>> = {
  // Fields
  RetryAttempts: "0 in Traefik v3.6.12 whatever happens: its retry middleware is made without the log's listener",
  // Attributes
  'client.port': 'on the server: the broker does not tell the port of the visitor',
  'network.peer.port': 'on the server: the same',
  'AuthRequest http.response.status_code':
    'Traefik ends the span before it would say the status, and whether it is an error',
  // Metrics
  traefik_service_retries_total: 'never counted by Traefik v3.6.12, for the reason of RetryAttempts',
};

/** Fields that say the same of the same request. */
const SAID = [
  'RequestMethod',
  'RequestPath',
  'RequestProtocol',
  'RequestScheme',
  'RequestContentSize',
  'ClientHost',
  'ClientUsername',
  'OriginStatus',
  'DownstreamStatus',
  'entryPointName',
  'level',
  'msg',
] as const;
const HEADERS = ['request_X-Asked', 'origin_X-Upstream', 'downstream_X-Upstream'] as const;

/** Both answer in words of their own where no server does, and pack as well as their gzip can. */
function sizesOf(path: string): readonly string[] {
  if (path === '/nowhere' || path === '/dead') return [];
  return ['ServiceURL', 'OriginContentSize', ...(path === '/packed' ? [] : ['DownstreamContentSize'])];
}

const program = await findProgram(traefikRecipe);
if (typeof program !== 'string' && process.env['CI'] === 'true')
  throw new Error(`${program.missing}. CI=true requires a real Traefik.`);

describe.skipIf(typeof program !== 'string')(
  'a real Traefik and the preview tell the same of the same requests',
  () => {
    let home: string;
    let upstream: Server;
    let traefik: Told;
    let preview: Told;

    beforeAll(async () => {
      home = mkdtempSync(join(tmpdir(), 'adit-observability-'));
      upstream = createServer((asked, response) => {
        asked.resume();
        asked.on('end', () => {
          const status = { '/refused': 403, '/failing': 500 }[asked.url ?? ''] ?? 200;
          response.writeHead(status, { 'content-type': 'text/plain', 'x-upstream': 'yes' });
          response.end('well '.repeat(1000));
        });
      });
      const url = await listen(upstream);
      if (typeof program === 'string') traefik = await tellTraefik(program, home, url);
      preview = await tellPreview(home, url);
    }, 300_000);
    afterAll(async () => {
      await traefik?.otlp.close();
      await preview?.otlp.close();
      await closeServer(upstream);
      rmSync(home, { recursive: true, force: true });
    });

    test.each(PATHS)('%s: the access log has the same fields, and the same is said in them', (path) => {
      const [theirs, ours] = [traefik.lines.get(path), preview.lines.get(path)];
      if (theirs === undefined || ours === undefined) throw new Error(`${path} is not in both logs`);
      // Headers are compared below: servers of Go and of ours, and brokers, send others of their own accord.
      const ofHeader = /^(request|origin|downstream)_/;
      const fields = (line: object): string[] =>
        Object.keys(line)
          .filter((name) => !ofHeader.test(name))
          .toSorted();
      expect(fields(ours)).toEqual(fields(theirs));
      const said = (line: Readonly<Record<string, unknown>>): unknown =>
        [...SAID, ...sizesOf(path), ...HEADERS].map((name) => [name, line[name]]);
      expect(said(ours)).toEqual(said(theirs));
      const retried = path === '/dead' ? 2 : 0;
      expect([ours['RetryAttempts'], theirs['RetryAttempts']]).toEqual([retried, 0]);
      for (const [name, value] of Object.entries(theirs))
        expect([name, typeof ours[name]]).toEqual([name, typeof value]);
      for (const line of [theirs, ours]) {
        const [whole, origin] = [Number(line['Duration']), Number(line['OriginDuration'])];
        expect(line['Overhead']).toBe(whole - origin);
        expect(whole).toBeGreaterThan(0);
      }
    });

    test.each(PATHS)('%s: spans have the same names, kinds, order, errors and attributes', (path) => {
      const spansOf = ({ lines, otlp }: Told) => {
        const trace = lines.get(path)?.['TraceId'];
        const spans = otlp.spans.filter(({ traceId }) => traceId === trace);
        const entry = spans.find(({ kind }) => kind === 2);
        return spans
          .map(({ name, kind, status, attributes, parentId }) => ({
            name,
            kind,
            ...(name === 'AuthRequest'
              ? {}
              : { error: status.code === 2, status: attributes['http.response.status_code'] }),
            belowEntry: parentId === entry?.spanId,
            path: attributes['url.path'],
            query: attributes['url.query'],
            entryPoint: attributes['entry_point'],
            attributes: Object.keys(attributes)
              .filter((key) => !(kind === 2 && key in ALLOWED) && !(`${name} ${key}` in ALLOWED))
              .toSorted(),
          }))
          .toSorted((a, b) => (a.name < b.name ? -1 : 1));
      };
      expect(spansOf(preview)).toEqual(spansOf(traefik));
    });

    test('metrics have the same names, kinds and labels', () => {
      const named = ({ otlp }: Told): string[] => {
        const told = otlp.points.filter(({ metric }) => !metric.startsWith('traefik_hub_') && !(metric in ALLOWED));
        const shapes = told.map(({ metric, kind, labels }) =>
          [metric, kind, ...Object.keys(labels).toSorted()].join(' '),
        );
        return [...new Set(shapes)].toSorted();
      };
      const theirs = named(traefik);
      expect(theirs.length).toBeGreaterThanOrEqual(17);
      expect(named(preview)).toEqual(theirs);
    });

    test('counts of requests are the same, by protocol, method and code', () => {
      const counts = ({ otlp }: Told, level: string): Record<string, number> => {
        const sums: Record<string, number> = {};
        for (const { metric, labels, value } of otlp.points) {
          if (metric !== `traefik_${level}_requests_total`) continue;
          const key = ['method', 'protocol', 'code'].map((name) => String(labels[name])).join(' ');
          sums[key] = (sums[key] ?? 0) + value;
        }
        return sums;
      };
      for (const level of ['entrypoint', 'router', 'service'])
        expect([level, counts(preview, level)]).toEqual([level, counts(traefik, level)]);
    });
  },
);
