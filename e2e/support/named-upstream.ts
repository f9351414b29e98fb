import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { canonicalHost } from '../../shared/http1/canonical-host.ts';

/** What an upstream may get; anything else was smuggled there. */
const ALLOWED_PATHS: ReadonlySet<string> = new Set(['/ok', '/after', '/', '*']);

/**
 * Answers with its name, the path, and the digest of the body; writes down what it should never have got. `believed`: the
 * forwarded host is one that an honest broker wrote.
 */
export async function startNamedUpstream(name: string, { believed }: { believed: boolean }) {
  const seen = { wrong: [] as string[], count: 0 };
  const server = createServer((request, response) => {
    seen.count += 1;
    const path = (request.url ?? '').split('?')[0] ?? '';
    // The gateway gives an upstream its own Host, and what the visitor asked for beside it.
    const host = String(request.headers['x-forwarded-host'] ?? '');
    const named = canonicalHost(host);
    const names = request.rawHeaders.filter((_text, at) => at % 2 === 0).map((text) => text.toLowerCase());
    const doubled = names.filter((one) => ['host', 'content-length', 'transfer-encoding'].includes(one));
    const clean =
      ALLOWED_PATHS.has(path) &&
      (!believed || (named.ok && named.value.host.startsWith(name))) &&
      new Set(doubled).size === doubled.length &&
      !(names.includes('content-length') && names.includes('transfer-encoding')) &&
      !names.some((one) => one.includes('injected') || one.startsWith('x-adit-'));
    if (!clean) seen.wrong.push(`${request.method} ${request.url} of ${host}: ${names.join(' ')}`);
    const digest = createHash('sha256');
    request.on('data', (bytes: Buffer) => digest.update(bytes));
    request.on('end', () => {
      response.setHeader('content-type', 'text/plain');
      response.end(`${name} ${path} ${digest.digest('hex').slice(0, 8)}`);
    });
    request.on('error', () => undefined);
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no address');
  return { server, seen, url: `http://127.0.0.1:${address.port}` };
}
