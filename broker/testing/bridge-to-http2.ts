import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { ClientHttp2Session, IncomingHttpHeaders } from 'node:http2';

/** Fields of one HTTP/1.1 connection. */
const HOP: ReadonlySet<string> = new Set(['connection', 'transfer-encoding', 'host', 'upgrade', 'keep-alive']);

/** What an agent does in front of an upstream that speaks HTTP/2 in the clear: each request becomes a stream. */
export function bridgeToHttp2(session: ClientHttp2Session): RequestListener {
  return (request, response) => {
    const stream = session.request(
      {
        ...kept(request.headers),
        ':method': request.method,
        ':path': request.url,
        ':authority': request.headers.host,
        ':scheme': 'http',
      },
      { waitForTrailers: true },
    );
    request.pipe(stream);
    stream.on('wantTrailers', () => stream.sendTrailers(request.trailers));
    stream.on('response', (headers, flags) => answer(request, response, headers, (flags & 1) !== 0));
    stream.on('trailers', (trailers) => response.addTrailers(kept(trailers)));
    stream.on('data', (bytes: Buffer) => {
      if (!response.write(bytes)) stream.pause();
    });
    response.on('drain', () => stream.resume());
    stream.on('end', () => response.end());
    stream.on('error', () => response.destroy());
    response.on('close', () => {
      if (!response.writableFinished) stream.close(8);
    });
  };
}

function answer(request: IncomingMessage, response: ServerResponse, headers: IncomingHttpHeaders, over: boolean): void {
  response.statusCode = Number(headers[':status']);
  for (const [name, value] of Object.entries(kept(headers))) response.setHeader(name, value);
  if (over && request.method !== 'HEAD') response.setHeader('content-length', 0);
  else response.setHeader('trailer', 'grpc-status');
  response.flushHeaders();
}

function kept(headers: IncomingHttpHeaders | NodeJS.Dict<string | string[]>): Record<string, string | string[]> {
  const made: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !name.startsWith(':') && !HOP.has(name)) made[name] = value;
  }
  return made;
}
