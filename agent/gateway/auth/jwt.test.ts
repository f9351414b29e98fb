import { createHmac } from 'node:crypto';
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, type JWTPayload } from 'jose';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { ApiJwtConfig, TokenKeys } from '../../../shared/gateway/auth.ts';
import type { GatewayConfig } from '../../../shared/gateway/config.ts';
import { managed, ref } from '../testing/config.ts';
import { mirror, type UnderTest } from '../testing/gateway-under-test.ts';
import { useGateway } from '../testing/use-gateway.ts';
import { startKeyServer, type KeyServer } from './testing/key-server.ts';

const start = useGateway();
const SECRET = Buffer.from('a-secret-of-more-than-32-bytes-for-sure');
const client = { timeoutMs: 2_000, maxRetries: 0, insecureSkipVerify: false };

type Keys = Awaited<ReturnType<typeof generateKeyPair>>;
let rsa: Keys;
let other: Keys;
let ec: Keys;
let pem: string;
const servers: KeyServer[] = [];

beforeAll(async () => {
  const options = { extractable: true };
  [rsa, other, ec] = await Promise.all([
    generateKeyPair('RS256', options),
    generateKeyPair('RS256', options),
    generateKeyPair('ES256', options),
  ]);
  pem = await exportSPKI(rsa.publicKey);
});

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function keyServer(keys: readonly object[]): Promise<KeyServer> {
  const server = await startKeyServer(keys);
  servers.push(server);
  return server;
}

async function jwk(keys: Keys, kid: string, more: object = {}): Promise<object> {
  return { ...(await exportJWK(keys.publicKey)), kid, ...more };
}

function config(keys: TokenKeys, more: Partial<ApiJwtConfig> = {}, all: Partial<GatewayConfig> = {}): GatewayConfig {
  const base = managed();
  const api = base.apis['shop/pets'];
  if (api === undefined) throw new Error('no API');
  const auth: ApiJwtConfig = {
    kind: 'jwt',
    source: ref('APIAuth', 'tokens'),
    keys,
    client,
    appIdClaim: 'app',
    forwardHeaders: {},
    stripAuthorization: false,
    ...more,
  };
  return managed({ apis: { 'shop/pets': { ...api, auth } }, plans: {}, ...all });
}

const hs: TokenKeys = { kind: 'secret', base64: SECRET.toString('base64') };
const now = Math.floor(Date.now() / 1000);
const good: JWTPayload = { app: 'web-app', exp: now + 600 };

function hsToken(claims: JWTPayload, alg = 'HS256', secret = SECRET): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg }).sign(secret);
}

function rsToken(claims: JWTPayload, keys: Keys = rsa, header: object = {}): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', ...header }).sign(keys.privateKey);
}

function part(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

async function status(under: UnderTest, token: string, target = '/pets'): Promise<number> {
  return (await under.ask(target, { headers: { Authorization: `Bearer ${token}` } })).status;
}

describe('an API with tokens signed by a secret', () => {
  test('lets in whom the token names, to what his subscription gives', async () => {
    const under = await start(config(hs));
    const none = await under.ask('/pets');
    expect([none.status, none.header('www-authenticate')]).toEqual([401, 'Bearer']);
    const table: [name: string, token: () => Promise<string>, wanted: number][] = [
      ['good', () => hsToken(good), 200],
      ['HS512', () => hsToken(good, 'HS512'), 200],
      ['another secret', () => hsToken(good, 'HS256', Buffer.from('another-secret-that-is-long-enough-too')), 401],
      ['over', () => hsToken({ ...good, exp: now - 60 }), 401],
      ['over, within the skew of clocks', () => hsToken({ ...good, exp: Math.floor(Date.now() / 1000) - 1 }), 200],
      ['not yet', () => hsToken({ ...good, nbf: now + 60 }), 401],
      ['soon, within the skew of clocks', () => hsToken({ ...good, nbf: Math.floor(Date.now() / 1000) + 3 }), 200],
      ['without an end', () => hsToken({ app: 'web-app' }), 200],
      ['no application', () => hsToken({ exp: now + 600 }), 403],
      ['an unknown application', () => hsToken({ ...good, app: 'nobody' }), 403],
      ['no subscription', () => hsToken({ ...good, app: 'other' }), 403],
      ['an application that is a list', () => hsToken({ ...good, app: ['web-app'] }), 403],
      ['by a private key', () => rsToken(good), 401],
      ['unsigned', () => Promise.resolve(`${part({ alg: 'none' })}.${part(good)}.`), 401],
      ['unsigned, in capitals', () => Promise.resolve(`${part({ alg: 'NONE' })}.${part(good)}.`), 401],
      ['no token at all', () => Promise.resolve('abc'), 401],
      [
        'changed',
        async () => (await hsToken(good)).replace(/\.[^.]+\./, `.${part({ ...good, app: 'web-app', x: 1 })}.`),
        401,
      ],
      ['too long', () => hsToken({ ...good, filler: 'x'.repeat(16_384) }), 401],
      ['critical extension', () => critical(), 401],
    ];
    for (const [name, token, wanted] of table)
      expect([name, await status(under, await token())]).toEqual([name, wanted]);
    const post = await under.ask('/pets', {
      method: 'POST',
      headers: { Authorization: `Bearer ${await hsToken(good)}` },
    });
    expect(post.status).toBe(403);
  });

  async function critical(): Promise<string> {
    const signed = `${part({ alg: 'HS256', crit: ['x'], x: 1 })}.${part(good)}`;
    return Promise.resolve(`${signed}.${createHmac('sha256', SECRET).update(signed).digest('base64url')}`);
  }

  test('records who called, and never the token', async () => {
    const under = await start(config(hs, { queryKey: 'jwt' }));
    const token = await hsToken(good);
    await status(under, token);
    await under.ask(`/pets?jwt=${token}`);
    const { exchanges } = under.recorder.list();
    expect(exchanges.map(({ application }) => application)).toEqual(['shop/web-app', 'shop/web-app']);
    const all = JSON.stringify(
      exchanges.map(({ seq }) => under.recorder.list().exchanges.find((one) => one.seq === seq)),
    );
    expect(all).not.toContain(token);
  });

  test('takes the token from the query where that is said, after the header', async () => {
    const token = await hsToken(good);
    const closed = await start(config(hs));
    expect((await closed.ask(`/pets?jwt=${token}`)).status).toBe(401);
    const open = await start(config(hs, { queryKey: 'jwt' }));
    expect((await open.ask(`/pets?jwt=${token}`)).status).toBe(200);
    const both = await open.ask(`/pets?jwt=${token}`, { headers: { Authorization: 'Bearer wrong' } });
    expect(both.status).toBe(401);
  });

  test('tells the upstream what is configured, and lets no visitor say it himself', async () => {
    const forwardHeaders = { 'X-Sub': 'sub', 'X-Org': 'org.name', 'X-Groups': 'groups', 'X-None': 'missing', 'X-Url': 'https://x/y' };
    const claims = { ...good, sub: 'ada', org: { name: 'acme' }, groups: ['a', 'b'], 'https://x/y': 7 };
    const under = await start(config(hs, { forwardHeaders, stripAuthorization: true }));
    const answer = await under.ask('/pets', {
      headers: { Authorization: `Bearer ${await hsToken(claims)}`, 'X-None': 'forged', 'x-sub': 'forged' },
    });
    const { headers } = answer.json() as { headers: Record<string, string> };
    expect(headers).toMatchObject({ 'x-sub': 'ada', 'x-org': 'acme', 'x-groups': 'a,b', 'x-url': '7' });
    expect([headers['x-none'], headers['authorization']]).toEqual([undefined, undefined]);
    const unfit = await status(under, await hsToken({ ...claims, sub: 'a\r\nX-Evil: 1' }));
    expect(unfit).toBe(500);
    const kept = await start(config(hs));
    const seen = await kept.ask('/pets', { headers: { Authorization: `Bearer ${await hsToken(good)}` } });
    expect(seen.json()['headers']).toMatchObject({ authorization: expect.stringMatching(/^Bearer e/) });
  }); // prettier-ignore

  test('finds the application by a nested claim, and names that only tokens know', async () => {
    const base = managed();
    const readers = base.subscriptions['shop/readers'];
    if (readers === undefined) throw new Error('no subscription');
    const subscriptions = { 'shop/readers': { ...readers, applications: [], appIds: ['from-idp'], plan: undefined } };
    const under = await start(config(hs, { appIdClaim: 'client.id' }, { subscriptions }));
    expect(await status(under, await hsToken({ client: { id: 'from-idp' } }))).toBe(200);
    expect(await status(under, await hsToken({ client: { id: 'web-app' } }))).toBe(403);
  });

  test('counts a subscription only for tokens with its claims, the heaviest first', async () => {
    const base = managed();
    const readers = base.subscriptions['shop/readers'];
    if (readers === undefined) throw new Error('no subscription');
    const one = {
      ...readers,
      weight: 9,
      claims: 'Equals(`tier`, `gold`) && !Equals(`blocked`, `true`)',
      operations: undefined,
    };
    const subscriptions = { 'shop/readers': readers, 'shop/gold': { ...one, name: 'gold' } };
    const under = await start(config(hs, {}, { subscriptions }));
    const ask = async (claims: JWTPayload, method: string): Promise<number> => {
      const headers = { Authorization: `Bearer ${await hsToken({ ...good, ...claims })}` };
      return (await under.ask('/pets', { method, headers })).status;
    };
    expect(await ask({ tier: 'gold' }, 'POST')).toBe(200);
    expect(await ask({ tier: 'gold', blocked: true }, 'POST')).toBe(403);
    expect(await ask({}, 'POST')).toBe(403);
    expect(await ask({}, 'GET')).toBe(200);
    under.apply(config(hs, {}, { subscriptions: { 'shop/gold': { ...one, name: 'gold', claims: 'Nonsense(' } } }));
    expect(await ask({ tier: 'gold' }, 'GET')).toBe(403);
  });

  test('plans count, and their headers are in the answer', async () => {
    const under = await start(config(hs, {}, { plans: managed().plans }), mirror, { clock: () => 0 });
    const headers = { Authorization: `Bearer ${await hsToken(good)}` };
    const seen: (number | string | undefined)[] = [];
    for (let call = 0; call < 4; call += 1) {
      const answer = await under.ask('/pets', { headers });
      seen.push(answer.status, answer.header('x-ratelimit-remaining'));
    }
    expect(seen).toEqual([200, '2', 200, '1', 200, '0', 429, '0']);
  });

  test('a body that came with the token reaches the upstream whole', async () => {
    const base = managed();
    const readers = base.subscriptions['shop/readers'];
    if (readers === undefined) throw new Error('no subscription');
    const under = await start(
      config(hs, {}, { subscriptions: { 'shop/readers': { ...readers, operations: undefined } } }),
    );
    const body = 'x'.repeat(300_000);
    const headers = { Authorization: `Bearer ${await hsToken(good)}` };
    const answer = await under.ask('/pets', { method: 'POST', headers, body, chunked: 9_000 });
    expect([answer.status, answer.json()['body'] === body]).toEqual([200, true]);
  });
});

describe('an API with tokens signed by a private key', () => {
  test('takes the algorithms of the key, and its own text for no secret', async () => {
    const under = await start(config({ kind: 'public-key', pem }));
    expect(await status(under, await rsToken(good))).toBe(200);
    expect(await status(under, await rsToken(good, other))).toBe(401);
    expect(await status(under, await new SignJWT(good).setProtectedHeader({ alg: 'ES256' }).sign(ec.privateKey))).toBe(
      401,
    );
    for (const secret of [pem, pem.trim(), `${pem.trim()}\n`])
      expect(await status(under, await hsToken(good, 'HS256', Buffer.from(secret)))).toBe(401);
  });

  test('finds its key by kid in a set, and uses no secret of one', async () => {
    const oct = { kty: 'oct', k: SECRET.toString('base64url'), kid: 'shared' };
    const keys = [oct, { kty: 'XX', kid: 'odd' }, await jwk(rsa, 'one', { use: 'sig' }), await jwk(other, 'enc', { use: 'enc' }), await jwk(ec, 'ec')];
    const under = await start(config({ kind: 'jwks', text: JSON.stringify({ keys }) }));
    expect(await status(under, await rsToken(good, rsa, { kid: 'one' }))).toBe(200);
    const byEc = await new SignJWT(good).setProtectedHeader({ alg: 'ES256', kid: 'ec' }).sign(ec.privateKey);
    expect(await status(under, byEc)).toBe(200);
    expect(await status(under, await rsToken(good))).toBe(401);
    expect(await status(under, await rsToken(good, other, { kid: 'one' }))).toBe(401);
    expect(await status(under, await rsToken(good, other, { kid: 'enc' }))).toBe(401);
    const byShared = await new SignJWT(good).setProtectedHeader({ alg: 'HS256', kid: 'shared' }).sign(SECRET);
    expect(await status(under, byShared)).toBe(401);
  }); // prettier-ignore
});

describe('an API with keys at an address', () => {
  test('asks once, looks again for a new key, and not at every token that names none', async () => {
    let time = 0;
    const server = await keyServer([await jwk(rsa, 'one')]);
    const keys: TokenKeys = { kind: 'issuers', issuers: [{ url: server.url }] };
    const under = await start(config(keys, { client: { ...client, ca: server.ca } }), mirror, { clock: () => time });
    const one = await rsToken(good, rsa, { kid: 'one' });
    const statuses = await Promise.all(Array.from({ length: 8 }, () => status(under, one)));
    expect([new Set(statuses), server.asked]).toEqual([new Set([200]), 1]);

    const two = await rsToken(good, other, { kid: 'two' });
    for (let call = 0; call < 5; call += 1) expect(await status(under, two)).toBe(401);
    expect(server.asked).toBe(1);
    server.keys = [await jwk(rsa, 'one'), await jwk(other, 'two')];
    time += 11_000;
    expect([await status(under, two), server.asked]).toEqual([200, 2]);

    server.status = 503;
    time += 6 * 60_000;
    expect([await status(under, one), server.asked]).toEqual([200, 3]);
    expect([await status(under, one), server.asked]).toEqual([200, 3]);
    time += 61 * 60_000;
    const away = await under.ask('/pets', { headers: { Authorization: `Bearer ${one}` } });
    expect([away.status, away.json()['code']]).toEqual([503, 'auth-unavailable']);
    expect(await status(under, one)).toBe(503);
    expect(server.asked).toBe(4);
    server.status = 200;
    time += 3_000;
    expect(await status(under, one)).toBe(200);
    server.keys = [await jwk(other, 'two')];
    time += 6 * 60_000;
    expect(await status(under, one)).toBe(401);
  });

  test('trusts each issuer with its own keys, exactly as it is written', async () => {
    const [first, second, rest] = await Promise.all([
      keyServer([await jwk(rsa, 'k')]),
      keyServer([await jwk(other, 'k')]),
      keyServer([await jwk(other, 'k')]),
    ]);
    const trusted = [
      { issuer: 'https://a.test/', url: first.url },
      { issuer: 'https://b.test', url: second.url },
    ];
    const more = { client: { ...client, insecureSkipVerify: true } };
    const under = await start(config({ kind: 'issuers', issuers: trusted }, more));
    const by = (keys: Keys, iss: string): Promise<string> => rsToken({ ...good, iss }, keys, { kid: 'k' });
    expect(await status(under, await by(rsa, 'https://a.test/'))).toBe(200);
    expect(await status(under, await by(other, 'https://b.test'))).toBe(200);
    expect(await status(under, await by(other, 'https://a.test/'))).toBe(401);
    expect(await status(under, await by(rsa, 'https://a.test'))).toBe(401);
    expect(await status(under, await by(rsa, 'https://c.test'))).toBe(401);
    expect(rest.asked).toBe(0);
    under.apply(config({ kind: 'issuers', issuers: [...trusted, { url: rest.url }] }, more));
    expect(await status(under, await by(other, 'https://c.test'))).toBe(200);
    expect(await status(under, await by(rsa, 'https://c.test'))).toBe(401);
  });

  test('does not believe a server whose certificate it does not know', async () => {
    const server = await keyServer([await jwk(rsa, 'one')]);
    const under = await start(config({ kind: 'issuers', issuers: [{ url: server.url }] }));
    const token = await rsToken(good, rsa, { kid: 'one' });
    expect([await status(under, token), server.asked]).toEqual([503, 0]);
    under.apply(config({ kind: 'issuers', issuers: [{ url: server.url }] }, { client: { ...client, insecureSkipVerify: true } }));
    expect(await status(under, token)).toBe(200);
  }); // prettier-ignore

  test('asks no metadata service', async () => {
    const url = 'https://169.254.169.254/keys';
    const under = await start(config({ kind: 'issuers', issuers: [{ url }] }));
    expect(await status(under, await rsToken(good, rsa, { kid: 'one' }))).toBe(503);
  });
});
