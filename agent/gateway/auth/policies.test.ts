import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { SignJWT } from 'jose';
import { afterEach, describe, expect, test } from 'vitest';
import type { AccessPolicyConfig } from '../../../shared/gateway/auth.ts';
import type { GatewayConfig } from '../../../shared/gateway/config.ts';
import { managed, plain, prefix, ref, route } from '../testing/config.ts';
import { closeServer, listen, mirror, readAll } from '../testing/gateway-under-test.ts';
import { useGateway } from '../testing/use-gateway.ts';

const start = useGateway();
const source = ref('AccessControlPolicy', 'gate');
const client = { timeoutMs: 2_000, maxRetries: 0, insecureSkipVerify: false };
const SECRET = Buffer.from('a-secret-of-more-than-32-bytes-for-sure');
const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map(closeServer));
});

function behind(policy: AccessPolicyConfig): GatewayConfig {
  return { ...plain(route('all', prefix('/'), { policies: ['gate'] })), policies: { gate: policy } };
}

const shake = (key: string): string => createHash('shake256', { outputLength: 64 }).update(key).digest('hex');
const basic = (text: string): Record<string, string> => ({ Authorization: `Basic ${btoa(text)}` });
const headersOf = (answer: { json(): Record<string, unknown> }) => answer.json()['headers'] as Record<string, string>;

describe('a policy on a route', () => {
  test('by keys: header, then query, then cookie; known by their SHAKE-256 alone', async () => {
    const keys = [
      { id: 'one', shake256: shake('key-1'), metadata: { group: 'dev' } },
      { id: 'two', shake256: shake('key-2'), metadata: {} },
    ];
    const from = { header: 'X-Key', query: 'key', cookie: 'key' };
    const under = await start(behind({ kind: 'api-key', source, from, keys, forwardHeaders: { 'X-Group': 'group' } }));
    const table: [string, Record<string, string>, number][] = [
      ['/', {}, 401],
      ['/', { 'x-key': 'key-1' }, 200],
      ['/', { 'x-key': 'nothing' }, 401],
      ['/', { 'x-key': shake('key-1') }, 401],
      ['/?key=key-2', {}, 200],
      ['/?key=key-2', { 'X-Key': 'wrong' }, 401],
      ['/', { Cookie: 'a=b; key=key-1' }, 200],
      ['/?key=wrong', { Cookie: 'key=key-1' }, 401],
    ];
    for (const [target, headers, wanted] of table)
      expect([target, headers, (await under.ask(target, { headers })).status]).toEqual([target, headers, wanted]);
    expect(headersOf(await under.ask('/', { headers: { 'X-Key': 'key-1' } }))['x-group']).toBe('dev');
    const forged = await under.ask('/', { headers: { 'X-Key': 'key-2', 'X-Group': 'admin' } });
    expect(headersOf(forged)['x-group']).toBeUndefined();
    expect(JSON.stringify(under.recorder.list())).not.toContain('key=key-2');
  });

  test('by names and passwords: realm, name for the upstream, header taken off', async () => {
    const users = { ada: `{SHA}${createHash('sha1').update('pass').digest('base64')}` };
    const policy = { kind: 'basic-auth', source, users, realm: 'here', stripAuthorization: true, userHeader: 'X-User' } as const;
    const under = await start(behind(policy));
    const none = await under.ask('/');
    expect([none.status, none.header('www-authenticate')]).toEqual([401, 'Basic realm="here"']);
    for (const wrong of ['ada:wrong', 'bob:pass', 'ada', ':pass'])
      expect([wrong, (await under.ask('/', { headers: basic(wrong) })).status]).toEqual([wrong, 401]);
    const good = headersOf(await under.ask('/', { headers: { ...basic('ada:pass'), 'X-User': 'root' } }));
    expect([good['x-user'], good['authorization']]).toEqual(['ada', undefined]);
  }); // prettier-ignore

  test('by tokens: 401 for a bad one, 403 where its claims are not as asked', async () => {
    const under = await start(
      behind({
        kind: 'jwt',
        source,
        keys: { kind: 'secret', base64: SECRET.toString('base64') },
        client,
        queryKey: 'jwt',
        claims: 'Contains(`groups`, `dev`)',
        forwardHeaders: { 'X-Sub': 'sub' },
        stripAuthorization: false,
      }),
    );
    const token = (claims: object): Promise<string> =>
      new SignJWT({ ...claims }).setProtectedHeader({ alg: 'HS256' }).sign(SECRET);
    expect((await under.ask('/')).status).toBe(401);
    expect((await under.ask('/?jwt=x')).status).toBe(401);
    expect((await under.ask(`/?jwt=${await token({ groups: ['ops'] })}`)).status).toBe(403);
    const good = await under.ask(`/?jwt=${await token({ groups: ['dev'], sub: 'ada' })}`);
    expect([good.status, headersOf(good)['x-sub']]).toEqual([200, 'ada']);
  });

  test('by introspection: asked with the credentials of the client, kept for seconds, 503 without an answer', async () => {
    let time = 0;
    let down = false;
    const asked: { authorization: string | undefined; body: string }[] = [];
    const server = createServer((request, response) => {
      void readAll(request).then((body) => {
        asked.push({ authorization: request.headers.authorization, body: body.toString() });
        const token = new URLSearchParams(body.toString()).get('token');
        response.statusCode = down ? 500 : 200;
        response.end(JSON.stringify(token === 'live' ? { active: true, sub: 'ada', scope: 'read' } : { active: token === 'narrow' }));
      });
    });
    servers.push(server);
    const policy: AccessPolicyConfig = {
      kind: 'introspection',
      source,
      url: `${await listen(server)}/introspect`,
      headers: { Authorization: 'Basic Y2xpZW50OnNlY3JldA==' },
      tokenTypeHint: 'access_token',
      client,
      from: { header: 'Authorization', scheme: 'Bearer' },
      claims: 'SplitContains(`scope`, ` `, `read`)',
      forwardHeaders: { 'X-Sub': 'sub' },
    };
    const under = await start(behind(policy), mirror, { clock: () => time });
    const ask = (token: string) => under.ask('/', { headers: { Authorization: `Bearer ${token}` } });
    expect((await under.ask('/')).status).toBe(401);
    expect((await under.ask('/', { headers: { Authorization: 'live' } })).status).toBe(401);
    expect((await ask('dead')).status).toBe(401);
    expect((await ask('narrow')).status).toBe(403);
    expect(headersOf(await ask('live'))['x-sub']).toBe('ada');
    await ask('live');
    expect(asked.map(({ body }) => body)).toEqual(['dead', 'narrow', 'live'].map((token) => `token=${token}&token_type_hint=access_token`));
    expect(asked[0]?.authorization).toBe('Basic Y2xpZW50OnNlY3JldA==');
    down = true;
    expect((await ask('live')).status).toBe(200);
    time += 11_000;
    const away = await ask('live');
    expect([away.status, away.json()['code']]).toEqual([503, 'auth-unavailable']);
    expect(away.body.toString()).not.toContain('live');
  }); // prettier-ignore

  test('that cannot be served, or is not there, closes the route', async () => {
    const under = await start(behind({ kind: 'unsupported', source, method: 'oidc' }));
    expect((await under.ask('/')).status).toBe(501);
    under.apply({ ...plain(route('all', prefix('/'), { policies: ['gone'] })), policies: {} });
    expect((await under.ask('/')).status).toBe(501);
  });

  test('comes before the policy of the API: who does not pass it costs the plan nothing', async () => {
    const base = managed();
    const users = { ada: `{SHA}${createHash('sha1').update('pass').digest('base64')}` };
    const policy: AccessPolicyConfig = { kind: 'basic-auth', source, users, realm: 'x', stripAuthorization: false };
    const routes = base.routes.map((one) => ({ ...one, policies: ['gate'] }));
    const under = await start({ ...base, routes, policies: { gate: policy } }, mirror, { clock: () => 0 });
    expect((await under.ask('/pets?api_key=key-good')).status).toBe(401);
    const both = await under.ask('/pets?api_key=key-good', { headers: basic('ada:pass') });
    expect([both.status, both.header('x-ratelimit-remaining')]).toEqual([200, '2']);
    expect((await under.ask('/pets', { headers: basic('ada:pass') })).status).toBe(401);
    expect((await under.ask('/pets?api_key=key-none', { headers: basic('ada:pass') })).status).toBe(403);
  });
});
