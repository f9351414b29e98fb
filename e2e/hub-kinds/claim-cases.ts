import { JWT_AUTH, token } from './access-cases.ts';
import type { HubAsk, HubCase } from './rig.ts';
import { bearer, hub, secret, SHOP, subscription } from './manifests.ts';

const ask = (claims: object, status: number): HubAsk => ({
  target: '/shop',
  headers: [bearer(token({ client_id: 'app', ...claims }))],
  status,
});

function claimed(says: string, expression: string, right: readonly object[], wrong: readonly object[]): HubCase {
  return {
    part: '2.4',
    says: `claims: ${says}`,
    manifests: SHOP + JWT_AUTH() + subscription('s', `, claims: ${JSON.stringify(expression)}`),
    asks: [...right.map((claims) => ask(claims, 200)), ...wrong.map((claims) => ask(claims, 403))],
  };
}

export const claimCases: readonly HubCase[] = [
  claimed('Prefix', 'Prefix(`tier`, `gold`)', [{ tier: 'gold-plus' }], [{ tier: 'a-gold' }, {}]),
  claimed('Contains of a string and of a list', 'Contains(`tier`, `old`)', [{ tier: 'gold' }, { tier: ['old'] }], [{ tier: 'new' }, { tier: ['gold'] }]),
  claimed('SplitContains', 'SplitContains(`scope`, ` `, `read`)', [{ scope: 'write read' }], [{ scope: 'reader' }]),
  claimed('!, && and parentheses', '!(Equals(`a`, `1`) || Equals(`b`, `1`)) && Equals(`c`, `1`)', [{ c: '1' }], [{ c: '1', a: '1' }, { c: '1', b: '1' }, {}]),
  claimed('a nested key, and a key with an escaped dot', 'Equals(`org.name`, `a`) || Equals(`org\\.name`, `b`)', [{ org: { name: 'a' } }, { 'org.name': 'b' }], [{ org: { name: 'b' } }, { 'org.name': 'a' }]),
  {
    part: '2.4',
    says: 'an application is matched by its appId, also by one that is named in the subscription alone',
    manifests: SHOP + JWT_AUTH() + hub('ManagedSubscription', 's', '{ apis: [{ name: shop }], applications: [{ appId: elsewhere }], apiPlan: { name: free } }'),
    asks: [ask({ client_id: 'elsewhere' }, 200), ask({ client_id: 'app' }, 403)],
  },
  {
    part: '2.4',
    says: 'a key is taken from the Secret that the application names',
    manifests: SHOP + secret('kept', '{ value: key-kept }') + hub('ManagedApplication', 'kept', '{ appId: kept, owner: o, apiKeys: [{ secretName: kept }] }') + subscription('s').replace('{ name: app }', '{ name: kept }'),
    asks: [
      { target: '/shop', headers: [bearer('key-kept')], status: 200 },
      { target: '/shop', headers: [bearer('kept')], status: 401 },
      { target: '/shop', headers: [bearer('key-app')], status: 403 },
    ],
  },
  {
    part: '2.4',
    says: 'an APIAuth that is not the default of its namespace changes nothing',
    manifests: SHOP + subscription('s') + hub('APIAuth', 'keys', '{ isDefault: false, apiKey: { keySource: { header: X-Shop-Key } } }'),
    asks: [{ target: '/shop', headers: [bearer('key-app')], status: 200 }],
  },
  {
    part: '2.4',
    says: 'a claim that no header can carry is 500',
    manifests: SHOP + JWT_AUTH(', forwardHeaders: { X-Org: org }') + subscription('s'),
    asks: [ask({ org: 'a' }, 200), ask({ org: 'a\r\nX-Admin: yes' }, 500)],
  },
  {
    part: '1.3',
    says: 'a keyless APIAuth asks for no credential',
    manifests: SHOP + hub('APIAuth', 'open', '{ isDefault: true, keyless: {} }'),
    asks: [{ target: '/shop', status: 200, answer: { 'x-quota-remaining': null } }],
  },
]; // prettier-ignore
