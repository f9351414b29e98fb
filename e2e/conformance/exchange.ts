import { request } from 'node:http';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { sortedHeaders, type EchoServices, type Received } from './echo-services.ts';

/** One request, as a case writes it. */
export interface Ask {
  readonly method?: string;
  /** Host that the manifests name; one of `HOSTS`. */
  readonly host?: string;
  /** Path and query, sent as they are. */
  readonly target: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: string;
}

/** What a gateway did with it. */
export interface Answer {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  /** Unpacked where `content-encoding` is true. */
  readonly body: string;
  readonly received: readonly Received[];
}

const WITHIN_MS = 20_000;

/** Sends one request on a connection of its own and waits for the whole answer. */
export async function exchange(
  address: string,
  host: string,
  ask: Ask,
  services: Pick<EchoServices, 'take'>,
): Promise<Answer> {
  const colon = address.lastIndexOf(':');
  services.take();
  const body = ask.body === undefined ? undefined : Buffer.from(ask.body, 'latin1');
  const headers = ask.headers ?? [];
  // Go's HTTP client asks its upstream for gzip by itself when the visitor says nothing, and unpacks it again.
  const encoding = headers.some(([name]) => name.toLowerCase() === 'accept-encoding')
    ? []
    : ['Accept-Encoding', 'identity'];
  const framing: string[] = body === undefined ? [] : ['Content-Length', String(body.length)];
  return await new Promise<Answer>((done, failed) => {
    const sent = request({
      host: address.slice(0, colon),
      port: Number(address.slice(colon + 1)),
      method: ask.method ?? 'GET',
      path: ask.target,
      agent: false,
      setHost: false,
      headers: ['Host', host, ...headers.flat(), ...encoding, ...framing],
      signal: AbortSignal.timeout(WITHIN_MS),
    });
    sent.once('error', failed);
    sent.once('response', (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.once('error', failed);
      response.once('end', () =>
        done({
          status: response.statusCode ?? 0,
          headers: sortedHeaders(response.rawHeaders),
          body: unpacked(Buffer.concat(parts), response.headers['content-encoding']).toString('latin1'),
          received: services.take(),
        }),
      );
    });
    sent.end(body);
  });
}

function unpacked(body: Buffer, encoding: string | undefined): Buffer {
  const unpack = encoding === undefined ? undefined : UNPACK[encoding];
  if (unpack === undefined || body.length === 0) return body;
  try {
    return unpack(body);
  } catch {
    // An upstream may claim an encoding that its body does not have.
    return body;
  }
}

const UNPACK: Readonly<Record<string, (body: Buffer) => Buffer>> = {
  gzip: gunzipSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
};
