import fc from 'fast-check';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LdapConfig } from '../../../shared/gateway/auth.ts';
import type { GatewayConfig } from '../../../shared/gateway/config.ts';
import { managed, ref } from '../testing/config.ts';
import { listen, type UnderTest } from '../testing/gateway-under-test.ts';
import { useGateway } from '../testing/use-gateway.ts';
import { dnValue, filterValue } from './ldap-text.ts';
import { startSlapd, type Slapd } from './testing/slapd.ts';

const start = useGateway();
let slapd: Slapd;
beforeAll(async () => {
  slapd = await startSlapd();
}, 60_000);
afterAll(async () => {
  await slapd.stop();
});

function config(more: Partial<LdapConfig> = {}): GatewayConfig {
  const base = managed();
  const api = base.apis['shop/pets'];
  const app = base.applications['shop/web-app'];
  if (api === undefined || app === undefined) throw new Error('no API');
  const auth: LdapConfig = {
    kind: 'ldap',
    source: ref('APIAuth', 'people'),
    url: slapd.url,
    startTls: false,
    insecureSkipVerify: false,
    attribute: 'cn',
    baseDn: 'ou=people,dc=test',
    ...more,
  };
  const named = (appId: string): [string, typeof app] => [`shop/${appId}`, { ...app, appId, keys: [] }];
  const readers = base.subscriptions['shop/readers'];
  if (readers === undefined) throw new Error('no subscription');
  return managed({
    apis: { 'shop/pets': { ...api, auth } },
    applications: Object.fromEntries([named('web-app'), named('other'), named('web')]),
    subscriptions: { 'shop/readers': { ...readers, applications: ['shop/web-app', 'shop/web'], plan: undefined } },
  });
}

async function ask(under: UnderTest, user: string, password: string): Promise<number> {
  const Authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  return (await under.ask('/pets', { headers: { Authorization } })).status;
}

const search = { searchFilter: '(&(objectClass=inetOrgPerson)(uid=%s))' };
const INJECTIONS = ['*', 'w*', 'web)(uid=*', '*)(objectClass=*', 'web))(|(uid=*', '\\2a', 'web\u0000', '(', ')', '\\'];

describe('an API with a directory', () => {
  test('counts calls for the user by his plan, but for those that the OpenAPI document refuses', async () => {
    const base = config();
    const readers = base.subscriptions['shop/readers'];
    if (readers === undefined) throw new Error('no subscription');
    const planned: GatewayConfig = {
      ...base,
      subscriptions: { 'shop/readers': { ...readers, operations: undefined, plan: 'shop/small' } },
      openApis: {
        'API shop/pets': {
          source: ref('API', 'pets'),
          from: { path: '/openapi.json', services: { 'IngressRoute/shop/pets#0': 'shop-web-80' } },
          methodAndPath: true,
          body: false,
          operations: false,
        },
      },
    };
    const document = JSON.stringify({ openapi: '3.0.3', paths: { '/pets': { get: {} } } });
    const under = await start(planned, (_, response) => response.end(document));
    const headers = { Authorization: `Basic ${Buffer.from('web-app:web-password').toString('base64')}` };
    const left: (string | undefined)[] = [];
    for (const path of ['/pets', '/pets/none', '/pets', '/pets/none', '/pets', '/pets']) {
      const answer = await under.ask(path, { headers });
      left.push(`${answer.status} ${answer.header('x-ratelimit-remaining') ?? '-'}`);
    }
    expect(left).toEqual(['200 2', '404 -', '200 1', '404 -', '200 0', '429 0']);
    expect(under.recorder.list().exchanges[0]).toMatchObject({ application: 'shop/web-app', plan: 'shop/small' });
  });

  test.each(['ldap://169.254.169.254', 'ldaps://[::ffff:169.254.169.254]', 'ldap://[fe80::1]'])(
    'is never asked at %s, where metadata services are',
    async (url) => {
      const under = await start(config({ url }));
      const Authorization = `Basic ${Buffer.from('web-app:x').toString('base64')}`;
      const answer = await under.ask('/pets', { headers: { Authorization } });
      expect([answer.status, answer.body.toString()]).toEqual([503, expect.stringContaining('is never asked')]);
    },
  );

  test('binds as the user, whose name is the application', async () => {
    const under = await start(config());
    const none = await under.ask('/pets');
    expect([none.status, none.header('www-authenticate')]).toEqual([401, 'Basic realm="shop/people"']);
    for (const [user, password, wanted] of [
      ['web-app', 'web-password', 200],
      ['web-app', 'wrong', 401],
      ['web-app', '', 401],
      ['', 'web-password', 401],
      ['nobody', 'x', 401],
      ['other', 'other-password', 403],
      ['strange, name', 'strange-password', 403],
      ['web-app,ou=people', 'web-password', 401],
      ['web-app+sn=x', 'web-password', 401],
    ] as const)
      expect([user, password, await ask(under, user, password)]).toEqual([user, password, wanted]);
    expect((await under.ask('/pets', { headers: { Authorization: 'Bearer x' } })).status).toBe(401);
    expect(under.recorder.list().exchanges.filter(({ application }) => application === 'shop/web-app')).toHaveLength(1);
  });

  test.each([
    ['nobody in particular', {}],
    ['a name of its own', { bindDn: 'cn=admin,dc=test', bindPassword: 'admin-password' }],
  ])('searches for the user as %s, and lets no name widen the search', async (_, as) => {
    const under = await start(config({ ...search, ...as }));
    expect(await ask(under, 'web', 'web-password')).toBe(200);
    expect(await ask(under, 'web', 'wrong')).toBe(401);
    // After a bind as one user the next search is made as before.
    expect(await ask(under, 'web', 'web-password')).toBe(200);
    expect(await ask(under, 'twin', 'same')).toBe(401);
    expect(await ask(under, 'web*', 'strange-password')).toBe(403);
    for (const name of INJECTIONS) expect([name, await ask(under, name, 'web-password')]).toEqual([name, 401]);
  });

  test('tells a wrong name of its own from a wrong user', async () => {
    const under = await start(config({ ...search, bindDn: 'cn=admin,dc=test', bindPassword: 'changed-since' }));
    const answer = await under.ask('/pets', { headers: { Authorization: `Basic ${btoa('web:web-password')}` } });
    expect([answer.status, answer.json()['code']]).toEqual([503, 'auth-unavailable']);
    expect(answer.body.toString()).not.toMatch(/changed-since|web-password/);
  });

  test('comes by TLS, at once or on the way, and knows its authority', async () => {
    const table: [Partial<LdapConfig>, number][] = [
      [{ url: slapd.secureUrl, ca: slapd.ca }, 200],
      [{ url: slapd.secureUrl }, 503],
      [{ url: slapd.secureUrl, insecureSkipVerify: true }, 200],
      [{ startTls: true, ca: slapd.ca }, 200],
      [{ startTls: true }, 503],
      [{ startTls: true, insecureSkipVerify: true }, 200],
    ];
    for (const [more, wanted] of table) {
      const under = await start(config(more));
      expect([more.url ?? 'StartTLS', await ask(under, 'web-app', 'web-password')]).toEqual([
        more.url ?? 'StartTLS',
        wanted,
      ]);
    }
  });

  test('that is not there is 503, also one that hangs up', async () => {
    const server = createServer((socket) => socket.destroy());
    const address = await listen(server as never);
    const under = await start(config({ url: address.replace('http:', 'ldap:') }));
    expect(await ask(under, 'web-app', 'web-password')).toBe(503);
    await new Promise((resolve) => server.close(resolve));
    expect(await ask(under, 'web-app', 'web-password')).toBe(503);
  });

  test('serves more callers than it has connections', async () => {
    const under = await start(config(search));
    const statuses = await Promise.all(
      Array.from({ length: 24 }, (_, at) => ask(under, 'web', at % 2 === 0 ? 'web-password' : 'wrong')),
    );
    expect(statuses).toEqual(Array.from({ length: 24 }, (_, at) => (at % 2 === 0 ? 200 : 401)));
  });
});

test('no text ends the value it stands in', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(filterValue(text)).not.toMatch(/[*()]|\\(?![0-9a-f]{2})/);
      expect(dnValue(text).replaceAll(/\\./gs, '')).not.toMatch(/[,+"<>;=#]|^ | $/);
    }),
  );
});
