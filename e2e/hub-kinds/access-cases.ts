import { createHash, createHmac } from 'node:crypto';
import type { HubCase } from './rig.ts';
import { bearer, hub, route, secret, SHOP, subscription } from './manifests.ts';

const basic = (text: string): [string, string] => ['Authorization', `Basic ${btoa(text)}`];
export const JWT_SECRET = 'a-secret-of-more-than-32-bytes-for-sure';

export function token(claims: object, secretText = JWT_SECRET): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`;
  return `${signed}.${createHmac('sha256', secretText).update(signed).digest('base64url')}`;
}

export const JWT_AUTH = (more = ''): string =>
  secret('signing', `{ value: "${JWT_SECRET}" }`) +
  hub('APIAuth', 'tokens', `{ isDefault: true, jwt: { appIdClaim: client_id, signingSecretName: signing${more} } }`);
const policy = (name: string, spec: string): string =>
  hub('AccessControlPolicy', name, spec) +
  route('open', 'Host(`app.test`) && PathPrefix(`/gate`)', { 'access-control-policy': name });
const sha = `{SHA}${createHash('sha1').update('pass').digest('base64')}`;
const shake = createHash('shake256', { outputLength: 64 }).update('key-1').digest('hex');

export const accessCases: readonly HubCase[] = [
  {
    part: '2.1',
    says: 'a route without annotation stays an ordinary unmanaged route',
    manifests: route('open', 'Host(`app.test`) && PathPrefix(`/shop`)'),
    asks: [{ target: '/shop', status: 200 }],
  },
  {
    part: '2.1',
    says: 'the annotation turns authentication on',
    manifests: SHOP + subscription('s'),
    asks: [
      { target: '/shop', status: 401 },
      { target: '/shop', headers: [bearer('key-app')], status: 200 },
    ],
  },
  {
    part: '2.1',
    says: 'several route objects may point at the same API',
    manifests: SHOP + subscription('s') + route('more', 'Host(`app.test`) && PathPrefix(`/more`)', { api: 'shop' }),
    asks: [
      { target: '/more', status: 401 },
      { target: '/more', headers: [bearer('key-app')], status: 200 },
    ],
  },
  {
    part: '2.1',
    says: 'an AccessControlPolicy is attached by its annotation',
    manifests: policy('people', `{ basicAuth: { users: ["ada:${sha}"], realm: here, stripAuthorizationHeader: true, forwardUsernameHeader: X-User } }`),
    asks: [
      { target: '/gate', status: 401, answer: { 'www-authenticate': 'Basic realm="here"' } },
      { target: '/gate', headers: [basic('ada:wrong')], status: 401 },
      { target: '/gate', headers: [basic('ada:pass'), ['X-User', 'root']], status: 200, received: { 'x-user': 'ada', authorization: null } },
    ],
  },
  {
    part: '2.1',
    says: 'a policy that is not there leaves no route open',
    manifests: route('open', 'Host(`app.test`) && PathPrefix(`/gate`)', { 'access-control-policy': 'gone' }),
    asks: [{ target: '/gate', status: 404 }],
  },
  {
    part: '2.2',
    says: 'the hub strips nothing: a stripPrefix Middleware does, after authorisation by the whole path',
    manifests:
      SHOP.replace('services: [{ name: echo, port: ${PORT} }]', 'middlewares: [{ name: strip }], services: [{ name: echo, port: ${PORT} }]') +
      '---\napiVersion: traefik.io/v1alpha1\nkind: Middleware\nmetadata: { name: strip, namespace: conf }\nspec: { stripPrefix: { prefixes: [/shop] } }\n' +
      subscription('s', ', operationFilter: { include: [orders] }'),
    asks: [
      { target: '/shop/orders/1', headers: [bearer('key-app')], status: 200, received: { ':target': '/orders/1' } },
      { target: '/shop/other', headers: [bearer('key-app')], status: 403 },
    ],
  },
  {
    part: '2.4',
    says: 'API keys are the default: Authorization: Bearer, or the query parameter api_key',
    manifests: SHOP + subscription('s'),
    asks: [
      { target: '/shop?api_key=key-app', status: 200 },
      { target: '/shop', headers: [['X-Api-Key', 'key-app']], status: 401 },
      { target: '/shop', headers: [bearer('key-away')], status: 401 },
    ],
  },
  {
    part: '2.4',
    says: 'an APIAuth overrides the places of keys for its namespace',
    manifests: SHOP + subscription('s') + hub('APIAuth', 'keys', '{ isDefault: true, apiKey: { keySource: { header: X-Shop-Key } } }'),
    asks: [
      { target: '/shop', headers: [['X-Shop-Key', 'key-app']], status: 200 },
      { target: '/shop', headers: [bearer('key-app')], status: 401 },
      { target: '/shop?api_key=key-app', status: 401 },
    ],
  },
  {
    part: '2.4',
    says: 'when tokens are in force, keys are turned off, and appIdClaim names the application',
    manifests: SHOP + subscription('s') + JWT_AUTH(', tokenQueryKey: jwt, stripAuthorizationHeader: true, forwardHeaders: { X-Sub: sub }'),
    asks: [
      { target: '/shop', headers: [bearer('key-app')], status: 401 },
      { target: '/shop?api_key=key-app', status: 401 },
      { target: '/shop', headers: [bearer(token({ client_id: 'app', sub: 'ada' }))], status: 200, received: { 'x-sub': 'ada', authorization: null } },
      { target: `/shop?jwt=${token({ client_id: 'app' })}`, headers: [['X-Sub', 'forged']], status: 200, received: { 'x-sub': null } },
      { target: '/shop', headers: [bearer(token({ client_id: 'app' }, 'another-secret-of-more-than-32-bytes'))], status: 401 },
      { target: '/shop', headers: [bearer(token({ client_id: 'app', exp: 1 }))], status: 401 },
      { target: '/shop', headers: [bearer(token({ client_id: 'stranger' }))], status: 403 },
    ],
  },
  {
    part: '2.4',
    says: 'the claims of a ManagedSubscription must hold',
    manifests: SHOP + JWT_AUTH() + subscription('s', ', claims: "Equals(`tier`, `gold`) || Contains(`groups`, `staff`)"'),
    asks: [
      { target: '/shop', headers: [bearer(token({ client_id: 'app' }))], status: 403 },
      { target: '/shop', headers: [bearer(token({ client_id: 'app', tier: 'gold' }))], status: 200 },
      { target: '/shop', headers: [bearer(token({ client_id: 'app', groups: ['staff'] }))], status: 200 },
    ],
  },
  {
    part: '2.4',
    says: 'a policy with tokens: bad token 401, claims refused 403, query parameter jwt by default',
    manifests: policy('tokens', `{ jwt: { signingSecret: "${JWT_SECRET}", claims: "OneOf(\`org.name\`, \`acme\`, \`other\`)" } }`),
    asks: [
      { target: '/gate', status: 401 },
      { target: '/gate', headers: [bearer('x.y.z')], status: 401 },
      { target: '/gate', headers: [bearer(token({ org: { name: 'evil' } }))], status: 403 },
      { target: `/gate?jwt=${token({ org: { name: 'acme' } })}`, status: 200 },
    ],
  },
  {
    part: '2.4',
    says: 'keys of a policy are known by their SHAKE-256',
    manifests: policy('keys', `{ apiKey: { keySource: { header: X-Key, cookie: key }, keys: [{ id: one, value: "${shake}", metadata: { group: dev } }], forwardHeaders: { X-Group: group } } }`),
    asks: [
      { target: '/gate', status: 401 },
      { target: '/gate', headers: [['X-Key', shake]], status: 401 },
      { target: '/gate', headers: [['X-Key', 'key-1']], status: 200, received: { 'x-group': 'dev' } },
      { target: '/gate', headers: [['Cookie', 'key=key-1']], status: 200 },
    ],
  },
  {
    part: '2.4',
    says: 'what cannot be enforced closes the route',
    manifests: policy('old', '{ jwt: { jwksUrl: /keys } }'),
    asks: [{ target: '/gate', headers: [bearer(token({}))], status: 501 }],
  },
  {
    part: '2.4',
    says: 'a directory that cannot be asked lets nobody in',
    manifests: SHOP + subscription('s') + hub('APIAuth', 'people', '{ isDefault: true, ldap: { url: "ldap://127.0.0.1:1", baseDn: "dc=test" } }'),
    asks: [
      { target: '/shop', status: 401 },
      { target: '/shop', headers: [basic('app:pass')], status: 503 },
    ],
  },
  {
    part: '2.5',
    says: 'a valid credential without access to the API is 403',
    manifests: SHOP + subscription('s'),
    asks: [{ target: '/shop', headers: [bearer('key-stranger')], status: 403 }],
  },
  {
    part: '2.5',
    says: 'an operation outside of the operationFilter is 403, and an empty filter allows none',
    manifests: SHOP + subscription('s', ', operationFilter: { include: [read] }'),
    asks: [
      { target: '/shop', headers: [bearer('key-app')], status: 200 },
      { target: '/shop', method: 'PATCH', headers: [bearer('key-app')], status: 403 },
    ],
  },
  {
    part: '2.5',
    says: 'an empty operationFilter prohibits all operations',
    manifests: SHOP + subscription('s', ', operationFilter: {}'),
    asks: [{ target: '/shop', headers: [bearer('key-app')], status: 403 }],
  },
  {
    part: '2.5',
    says: 'of several subscriptions that with the highest weight counts, of equal ones the first by name',
    manifests:
      SHOP +
      hub('APIPlan', 'nine', '{ title: nine, quota: { limit: 9, period: 1h } }') +
      hub('APIPlan', 'five', '{ title: five, quota: { limit: 5, period: 1h } }') +
      hub('ManagedSubscription', 'zebra', '{ apis: [{ name: shop }], managedApplications: [{ name: app }], apiPlan: { name: nine }, weight: 2 }') +
      hub('ManagedSubscription', 'bear', '{ apis: [{ name: shop }], managedApplications: [{ name: app }], apiPlan: { name: five }, weight: 1 }') +
      hub('ManagedSubscription', 'ant', '{ apis: [{ name: shop }], managedApplications: [{ name: stranger }], apiPlan: { name: five } }') +
      hub('ManagedSubscription', 'bee', '{ apis: [{ name: shop }], managedApplications: [{ name: stranger }], apiPlan: { name: nine } }'),
    asks: [
      { target: '/shop', headers: [bearer('key-app')], status: 200, answer: { 'x-quota-remaining': '8' } },
      { target: '/shop', headers: [bearer('key-stranger')], status: 200, answer: { 'x-quota-remaining': '4' } },
    ],
  },
  {
    part: '2.5',
    says: 'without a limit in force neither header is there',
    manifests: SHOP + subscription('s'),
    asks: [{ target: '/shop', headers: [bearer('key-app')], status: 200, answer: { 'x-quota-remaining': null, 'x-ratelimit-remaining': null } }],
  },
]; // prettier-ignore
