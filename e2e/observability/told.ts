import { readFileSync } from 'node:fs';
import { request } from 'undici';
import type { OtlpReceiver } from '../../agent/gateway/observe/testing/otlp-receiver.ts';
import { until } from '../support/running-stack.ts';

/** What a gateway told of the requests of `askAll`. */
export interface Told {
  /** Lines of the access log by path of the request. */
  readonly lines: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  readonly otlp: OtlpReceiver;
}

/** Each is asked for once. Both gateways serve them alike; nobody serves `/nowhere`. */
export const PATHS = ['/plain?a=b', '/packed', '/dead', '/refused', '/allowed', '/nowhere', '/failing'] as const;

export async function askAll(address: string, host: string): Promise<void> {
  for (const path of PATHS) {
    const answer = await request(`http://${address}${path}`, {
      headers: {
        host,
        'x-asked': 'why',
        'user-agent': 'conformance',
        'accept-encoding': path === '/packed' ? 'gzip' : 'identity',
      },
      ...(path === '/allowed' ? { method: 'POST', body: 'a body' } : {}),
    });
    await answer.body.dump();
  }
}

/** The access log, once it has all lines. */
export async function linesOf(file: string): Promise<ReadonlyMap<string, Record<string, unknown>>> {
  const read = (): Record<string, unknown>[] =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((text) => text !== '')
      .map((text) => JSON.parse(text) as Record<string, unknown>);
  await until(`${file} has all lines`, async () => {
    try {
      return read().length >= PATHS.length;
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
      throw error;
    }
  });
  return new Map(read().map((line) => [String(line['RequestPath']), line]));
}

/** Of what was pushed last: the requests that are counted. */
export function sumOf(otlp: OtlpReceiver): number {
  return otlp.points
    .filter(({ metric }) => metric === 'traefik_entrypoint_requests_total')
    .reduce((sum, { value }) => sum + value, 0);
}
