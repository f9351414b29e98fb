import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { ForwardAuthConfig, MiddlewareConfig } from '../../../shared/gateway/middleware.ts';
import { plain, prefix, ref, route } from '../testing/config.ts';
import { closeServer, listen, readAll } from '../testing/gateway-under-test.ts';
import { useGateway } from '../testing/use-gateway.ts';
import { md5Crypt } from './md5-crypt.ts';

const start = useGateway();
const source = ref('Middleware', 'm');
const served = (...middlewares: MiddlewareConfig[]) => plain(route('all', prefix('/'), { middlewares }));
const basic = (user: string, password: string): Record<string, string> => ({
  Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});

/** As htpasswd writes the password `secret`. */
const users = {
  bcrypt: '$2y$04$mruDgAUt7bHKHiL60kn3hO5Ge.A7usaYEpnzcYB9o.7JtfcmUL1Ni',
  apr1: md5Crypt('secret', 'saltsalt', '$apr1$'),
  sha: `{SHA}${createHash('sha1').update('secret').digest('base64')}`,
};

test('md5-crypt gives what openssl gives', () => {
  expect(md5Crypt('secret', 'saltsalt', '$apr1$')).toBe('$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0');
});

describe('basicAuth', () => {
  const config: MiddlewareConfig = {
    kind: 'basic-auth', source, users, realm: 'shop', removeHeader: true, headerField: 'X-User',
  }; // prettier-ignore

  test('lets in who knows the password, tells the upstream who it is, and keeps the password from it', async () => {
    const { ask } = await start(served(config));
    for (const user of Object.keys(users)) {
      for (let call = 0; call < 2; call++) {
        const answer = await ask('/', { headers: { ...basic(user, 'secret'), 'X-User': 'forged' } });
        expect([user, answer.status]).toEqual([user, 200]);
        const { headers } = answer.json() as { headers: Record<string, string> };
        expect([headers['x-user'], headers['authorization']]).toEqual([user, undefined]);
      }
      expect((await ask('/', { headers: basic(user, 'wrong') })).status).toBe(401);
    }
  });

  test('requests without a password go on while passwords are checked', async () => {
    // Each takes half a second and more of a processor; what is right does not matter.
    const costly = `$2b$13$${'a'.repeat(53)}`;
    const { ask } = await start(
      plain(
        route('guarded', prefix('/guarded'), { middlewares: [{ ...config, users: { ada: costly } }] }),
        route('open', prefix('/open')),
      ),
    );
    const settled: string[] = [];
    const logins = Array.from({ length: 4 }, (_, at) =>
      ask('/guarded', { headers: basic('ada', `guess ${at}`) }).then(({ status }) => settled.push(`login ${status}`)),
    );
    for (let call = 0; call < 20; call++) settled.push(`open ${(await ask('/open')).status}`);
    await Promise.all(logins);
    expect(settled).toEqual([...Array(20).fill('open 200'), ...Array(4).fill('login 401')]);
  });

  test('too many at once are told to come again, not that their password is wrong', async () => {
    const { ask } = await start(served({ ...config, users: { ada: `$2b$04$${'a'.repeat(53)}` } }));
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, at) => ask('/', { headers: basic('ada', `guess ${at}`) })),
    );
    const statuses = Map.groupBy(answers, ({ status }) => status);
    expect(new Set(statuses.keys())).toEqual(new Set([401, 503]));
    expect(statuses.get(401)?.length).toBeGreaterThanOrEqual(64);
    expect(statuses.get(503)?.[0]?.json()).toMatchObject({ detail: expect.stringContaining('are being checked') });
  });

  test.each<[string, Record<string, string>]>([
    ['nothing', {}],
    ['an unknown user', basic('nobody', 'secret')],
    ['another scheme', { Authorization: 'Bearer x' }],
    ['what is not base64', { Authorization: 'Basic ***' }],
    ['no colon', { Authorization: `Basic ${Buffer.from('sha').toString('base64')}` }],
  ])('refuses %s', async (_, headers) => {
    const { ask } = await start(served(config));
    const answer = await ask('/', { headers });
    expect([answer.status, answer.body.toString()]).toEqual([401, '401 Unauthorized\n']);
    expect([answer.header('www-authenticate'), answer.header('content-type')]).toEqual([
      'Basic realm="shop"',
      'text/plain',
    ]);
  });
});

describe('digestAuth', () => {
  const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
  const config: MiddlewareConfig = {
    kind: 'digest-auth', source, users: { 'ada:shop': md5('ada:shop:secret') }, realm: 'shop', removeHeader: false,
    headerField: 'X-User',
  }; // prettier-ignore

  function credentials(challenge: string, parts: { user?: string; password?: string; nc?: string; uri?: string }) {
    const { user = 'ada', password = 'secret', nc = '00000001', uri = '/x' } = parts;
    const nonce = /nonce="([^"]+)"/.exec(challenge)?.[1] ?? '';
    const opaque = /opaque="([^"]+)"/.exec(challenge)?.[1] ?? '';
    const secret = md5(`${user}:shop:${password}`);
    const response = md5(`${secret}:${nonce}:${nc}:abc:auth:${md5(`GET:${uri}`)}`);
    return {
      Authorization: `Digest username="${user}", realm="shop", nonce="${nonce}", uri="${uri}", qop=auth, nc=${nc}, cnonce="abc", response="${response}", opaque="${opaque}", algorithm="MD5"`,
    };
  }

  // Looked for by the square of its length this takes minutes, in which no other visitor is served.
  test('a header of any length is read in a moment', async () => {
    const { ask } = await start(served(config));
    const answer = await ask('/', { headers: { Authorization: `Digest ${'a'.repeat(200_000)}` } });
    expect(answer.status).toBe(401);
  }, 10_000);

  test('each use of a nonce counts once, a later one that comes first makes the earlier stale', async () => {
    const { ask } = await start(served(config));
    const challenge = (await ask('/x')).header('www-authenticate') ?? '';
    expect(challenge).toMatch(/^Digest realm="shop", nonce="[^"]+", opaque="[^"]+", algorithm="MD5", qop="auth"$/);
    const good = await ask('/x', { headers: credentials(challenge, { nc: '00000002' }) });
    expect([good.status, (good.json() as { headers: Record<string, string> }).headers['x-user']]).toEqual([200, 'ada']);
    expect((await ask('/x', { headers: credentials(challenge, { nc: '00000002' }) })).status).toBe(401);
    const stale = await ask('/x', { headers: credentials(challenge, { nc: '00000001' }) });
    expect(stale.header('www-authenticate')).toContain('stale="true"');
    expect((await ask('/x', { headers: credentials(challenge, { nc: '00000003' }) })).status).toBe(200);
  });

  test('wrong passwords, other paths, unknown users and made-up nonces are refused', async () => {
    const { ask } = await start(served(config));
    const challenge = (await ask('/x')).header('www-authenticate') ?? '';
    for (const parts of [{ password: 'wrong' }, { uri: '/other' }, { user: 'eve' }])
      expect((await ask('/x', { headers: credentials(challenge, parts) })).status).toBe(401);
    const forged = challenge.replace(/nonce="[^"]+"/, 'nonce="made-up"');
    expect((await ask('/x', { headers: credentials(forged, {}) })).status).toBe(401);
  });
});

describe('forwardAuth', () => {
  const servers: Server[] = [];
  afterEach(async () => {
    await Promise.all(servers.splice(0).map(closeServer));
  });

  interface Told {
    method: string | undefined;
    url: string | undefined;
    headers: IncomingMessage['headers'];
    body: string;
  }

  async function authServer(
    answer: { status: number; headers?: Record<string, string | string[]>; body?: string },
  ): Promise<{ address: string; told: Told[] }> {
    const told: Told[] = [];
    const server = createServer((request, response) => {
      void readAll(request).then((body) => {
        told.push({ method: request.method, url: request.url, headers: request.headers, body: body.toString() });
        response.writeHead(answer.status, answer.headers);
        response.end(answer.body ?? '');
      });
    });
    servers.push(server);
    return { address: `${await listen(server)}/auth?x=1`, told };
  } // prettier-ignore

  const config = (address: string, more: Partial<ForwardAuthConfig> = {}): ForwardAuthConfig => ({
    kind: 'forward-auth', source, address, trustForwardHeader: false, responseHeaders: [], requestHeaders: [],
    responseCookies: [], forwardBody: false, keepLocation: false, keepMethod: false, ...more,
  }); // prettier-ignore

  test('lets in, with headers and cookies of the server that was asked in place of those of the visitor', async () => {
    const { address, told } = await authServer({
      status: 204,
      headers: { 'X-User': 'ada', 'X-A-1': 'one', 'Set-Cookie': ['sid=1; path=/; httponly', 'other=2'] },
    });
    const more = { responseHeaders: ['X-User', 'X-None'], responseHeadersPattern: '^X-A-', responseCookies: ['sid'] };
    const { ask } = await start(served(config(address, more)));
    const answer = await ask('/path?q=1', {
      method: 'POST',
      body: 'hello',
      headers: { 'X-User': 'forged', 'X-None': 'forged', 'X-A-9': 'forged', 'X-Forwarded-For': '192.0.2.1' },
    });
    const seen = answer.json() as { headers: Record<string, string>; body: string };
    expect(seen.headers).toMatchObject({ 'x-user': 'ada', 'x-a-1': 'one' });
    expect([seen.headers['x-none'], seen.headers['x-a-9'], seen.body]).toEqual([undefined, undefined, 'hello']);
    expect(answer.head.headers.getAll('set-cookie')).toEqual(['sid=1; Path=/; HttpOnly']);
    expect(told).toMatchObject([
      {
        method: 'GET',
        url: '/auth?x=1',
        body: '',
        headers: {
          'x-forwarded-for': '192.0.2.1',
          'x-forwarded-method': 'POST',
          'x-forwarded-uri': '/path?q=1',
          'x-forwarded-host': 'shop.preview.test',
          'x-forwarded-proto': 'http',
          'x-user': 'forged',
        },
      },
    ]);
  });

  test('refuses at once where the server switches to another protocol unasked', async () => {
    const switching = createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () =>
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'),
      );
    });
    await new Promise<void>((resolve) => switching.listen(0, '127.0.0.1', resolve));
    const { ask } = await start(served(config(`http://127.0.0.1:${(switching.address() as AddressInfo).port}/`)));
    expect((await ask('/')).status).toBe(500);
    switching.close();
  }, 10_000);

  test('passes any other answer on, with its place to log in', async () => {
    const { address } = await authServer({
      status: 302,
      headers: { Location: '/login', 'X-Why': 'because' },
      body: 'no',
    });
    for (const [keepLocation, location] of [
      [false, new URL('/login', address).href],
      [true, '/login'],
    ] as const) {
      const { ask } = await start(served(config(address, { keepLocation })));
      const answer = await ask('/');
      expect([answer.status, answer.body.toString(), answer.header('x-why')]).toEqual([302, 'no', 'because']);
      expect(answer.header('location')).toBe(location);
    }
  });

  test('sends the body along up to its limit, and upstream after it', async () => {
    const { address, told } = await authServer({ status: 200 });
    const { ask } = await start(served(config(address, { forwardBody: true, maxBodyBytes: 10, keepMethod: true })));
    const answer = await ask('/', { method: 'PUT', body: '0123456789', chunked: 3 });
    expect([answer.status, answer.json()['body']]).toEqual([200, '0123456789']);
    expect([told[0]?.method, told[0]?.body]).toEqual(['PUT', '0123456789']);
    const large = await ask('/', { method: 'PUT', body: '0123456789x' });
    expect([large.status, large.body.length, told.length]).toEqual([401, 0, 1]);
  });

  test('lets nobody in when the server cannot be asked', async () => {
    const { address } = await authServer({ status: 200 });
    await Promise.all(servers.splice(0).map(closeServer));
    const { ask } = await start(served(config(address)));
    const answer = await ask('/');
    expect([answer.status, answer.body.length]).toEqual([500, 0]);
    const { ask: other } = await start(served(config('not a url')));
    expect((await other('/')).status).toBe(500);
  });
});
