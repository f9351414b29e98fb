import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Server as NetServer } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { TransportConfig } from '../../shared/gateway/service.ts';
import { certificateAuthority, type Issued } from './testing/certificates.ts';
import { balancer, plain, prefix, ref, route } from './testing/config.ts';
import { useGateway } from './testing/use-gateway.ts';

const start = useGateway();
const closing: (() => void)[] = [];
let authority: Awaited<ReturnType<typeof certificateAuthority>>;
let served: Issued;

beforeAll(async () => {
  authority = await certificateAuthority();
  served = await authority.issue([
    { type: 'dns', value: 'web.shop.internal' },
    { type: 'url', value: 'spiffe://shop/web' },
  ]);
});
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function listening(server: NetServer): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Says what was spoken, for which name, and who called. */
async function serve(options: { http2: boolean; clients?: boolean }): Promise<string> {
  const tls = { ...served, ca: authority.ca, requestCert: options.clients === true };
  let server: Http2SecureServer | Server;
  const answer = (socket: TLSSocket, version: string): string => {
    const caller = socket.getPeerCertificate().subjectaltname ?? '';
    return [version, String(socket.servername), caller].join(' ');
  };
  if (options.http2) {
    server = createSecureServer({ ...tls, allowHTTP1: true }, (request, response) => {
      const { session } = request.stream ?? {};
      response.end(answer((session?.socket ?? request.socket) as TLSSocket, request.httpVersion));
    });
    const open = new Set<ServerHttp2Session>();
    server.on('session', (session) => open.add(session));
    closing.push(() => {
      for (const session of open) session.destroy();
    });
  } else {
    server = createServer(tls, (request, response) => {
      response.end(answer(request.socket as TLSSocket, request.httpVersion));
    });
    const http1 = server;
    closing.push(() => http1.closeAllConnections());
  }
  closing.push(() => server.close());
  return listening(server);
}

function transport(more: Partial<TransportConfig> = {}): TransportConfig {
  return {
    source: ref('ServersTransport', 'web'),
    serverName: 'web.shop.internal',
    insecureSkipVerify: false,
    rootCAs: [authority.ca],
    certificates: [],
    disableHttp2: false,
    maxIdleConnsPerHost: 0,
    dialTimeoutMs: 5000,
    responseHeaderTimeoutMs: 0,
    idleConnTimeoutMs: 0,
    readIdleTimeoutMs: 0,
    pingTimeoutMs: 0,
    ...more,
  };
}

async function gateway(url: string, of: TransportConfig | undefined) {
  const under = await start(plain());
  const config = {
    ...plain(route('all', prefix('/'))),
    services: { 'shop-web-80': balancer('shop/web:80', of === undefined ? {} : { transport: 't', scheme: 'https' }) },
    transports: of === undefined ? {} : { t: of },
  };
  under.apply(config, { upstreams: new Map([['shop/web:80', url]]) });
  return under;
}

describe('an upstream behind TLS', () => {
  test('speaks HTTP/2 where it can, unless the transport says otherwise', async () => {
    const both = await serve({ http2: true });
    const first = await gateway(both, transport());
    const answers = await Promise.all(Array.from({ length: 20 }, () => first.visitor().ask('/')));
    expect(new Set(answers.map(({ body }) => body.toString().split(' ')[0]))).toEqual(new Set(['2.0']));
    const second = await gateway(both, transport({ disableHttp2: true }));
    expect((await second.ask('/')).body.toString()).toMatch(/^1\.1 web\.shop\.internal/);
    const old = await gateway(await serve({ http2: false }), transport());
    const many = await Promise.all(Array.from({ length: 20 }, () => old.visitor().ask('/')));
    expect(new Set(many.map(({ body }) => body.toString().split(' ')[0]))).toEqual(new Set(['1.1']));
  });

  test('is asked by HTTP/1.1 for an upgrade, though it takes HTTP/2 for the rest', async () => {
    const server = createSecureServer({ ...served, allowHTTP1: true }, (_, response) => response.end('plain'));
    const sessions = new Set<ServerHttp2Session>();
    server.on('session', (session) => sessions.add(session));
    server.on('upgrade', (request: { httpVersion: string }, socket: TLSSocket) => {
      socket.end(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n${request.httpVersion}`,
      );
    });
    closing.push(
      () => server.close(),
      () => sessions.forEach((session) => session.destroy()),
    );
    const { ask, visitor } = await gateway(await listening(server), transport());
    expect((await ask('/')).body.toString()).toBe('plain');
    const kept = visitor();
    const answer = kept.expect('GET');
    kept.stream.write(
      Buffer.from('GET / HTTP/1.1\r\nHost: shop.preview.test\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n'),
    );
    expect((await answer).status).toBe(101);
  });

  test('that cannot prove who it is gets no request: 500, as Traefik has it', async () => {
    const url = await serve({ http2: true });
    for (const [of, verdict] of [
      [undefined, 'upstream-untrusted'],
      [transport({ rootCAs: [] }), 'upstream-untrusted'],
      [transport({ serverName: 'other.internal' }), 'upstream-untrusted'],
      [transport({ peerCertURI: 'spiffe://shop/other' }), 'upstream-untrusted'],
      [transport({ peerCertURI: 'spiffe://shop/other', insecureSkipVerify: true }), 'upstream-untrusted'],
      [transport({ peerCertURI: 'spiffe://shop/web', insecureSkipVerify: true }), undefined],
      [transport({ insecureSkipVerify: true, rootCAs: [], serverName: undefined }), undefined],
    ] as const) {
      const { ask, recorder } = await gateway(url, of);
      const answer = await ask('/');
      expect([answer.status, recorder.list().exchanges[0]?.verdict]).toEqual([
        verdict === undefined ? 200 : 500,
        verdict,
      ]);
    }
  });

  test('sees the client certificate of the transport', async () => {
    const client = await authority.issue([{ type: 'dns', value: 'gateway.shop.internal' }]);
    const { ask } = await gateway(await serve({ http2: false, clients: true }), transport({ certificates: [client] }));
    expect((await ask('/')).body.toString()).toBe('1.1 web.shop.internal DNS:gateway.shop.internal');
  });

  test('connections of different transports are never shared', async () => {
    const url = await serve({ http2: true });
    const { apply, ask } = await gateway(url, transport());
    expect((await ask('/')).status).toBe(200);
    const strict = {
      ...plain(route('all', prefix('/'))),
      services: { 'shop-web-80': balancer('shop/web:80', { transport: 't', scheme: 'https' as const }) },
      transports: { t: transport({ serverName: 'other.internal' }) },
    };
    apply(strict, { upstreams: new Map([['shop/web:80', url]]) });
    expect((await ask('/')).status).toBe(500);
  });

  test('that does not answer within the time of the transport is 504', async () => {
    const silent = createServer(served, () => {});
    closing.push(
      () => silent.closeAllConnections(),
      () => silent.close(),
    );
    const url = await listening(silent);
    for (const disableHttp2 of [true, false]) {
      const { ask } = await gateway(url, transport({ responseHeaderTimeoutMs: 30, disableHttp2 }));
      expect((await ask('/')).status).toBe(504);
    }
  });
});
