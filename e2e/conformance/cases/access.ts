import type { ConformanceCase } from '../conformance-case.ts';
import type { Ask } from '../exchange.ts';
import { get, middleware, through } from './manifests.ts';

/** The password of everyone is `secret`: apr1, SHA-1, bcrypt, and for digest the MD5 of user, realm and password. */
const USERS = `---
apiVersion: v1
kind: Secret
metadata: { name: users, namespace: conf }
stringData:
  users: |
    ada:$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/
    bob:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=
    cleo:$2y$04$mruDgAUt7bHKHiL60kn3hO5Ge.A7usaYEpnzcYB9o.7JtfcmUL1Ni
---
apiVersion: v1
kind: Secret
metadata: { name: digest-users, namespace: conf }
stringData:
  users: |
    ada:traefik:5198540551e634334c0a50d4387d2df4
`;

const basic = (user: string, password: string): [string, string] => [
  'Authorization',
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
];
const withHeader = (...headers: [string, string][]): Ask[] =>
  headers.map((header) => ({ target: '/', headers: [header] }));

export const ACCESS_CASES: readonly ConformanceCase[] = [
  {
    name: 'basicAuth: who may come in',
    manifests: USERS + middleware('m', '{ basicAuth: { secret: users } }') + through('m'),
    asks: [
      ...get('/'),
      ...withHeader(
        basic('ada', 'secret'),
        basic('bob', 'secret'),
        basic('cleo', 'secret'),
        basic('cleo', 'wrong'),
        basic('ada', 'wrong'),
        basic('eve', 'secret'),
        ['Authorization', 'Basic !!!'],
        ['Authorization', 'Bearer x'],
        ['authorization', basic('ada', 'secret')[1].replace('Basic', 'basic')],
      ),
    ],
  },
  {
    name: 'basicAuth: realm, header with the user, credentials removed',
    manifests:
      USERS +
      middleware('m', '{ basicAuth: { secret: users, realm: shop, headerField: X-User, removeHeader: true } }') +
      through('m'),
    asks: [
      ...get('/'),
      ...withHeader(basic('ada', 'secret')),
      { target: '/', headers: [basic('ada', 'secret'), ['X-User', 'forged']] },
    ],
  },
  {
    name: 'basicAuth: a missing Secret takes the router away',
    manifests: middleware('m', '{ basicAuth: { secret: absent } }') + through('m'),
    asks: get('/'),
  },
  {
    name: 'digestAuth: without credentials',
    manifests: USERS + middleware('m', '{ digestAuth: { secret: digest-users } }') + through('m'),
    asks: [...get('/'), ...withHeader(basic('ada', 'secret'))],
    allowed: { headers: ['www-authenticate'], why: 'it carries a nonce' },
  },
  {
    name: 'ipAllowList: by the address of the connection',
    manifests: middleware('m', '{ ipAllowList: { sourceRange: [127.0.0.0/8] } }') + through('m'),
    asks: [...get('/'), { target: '/', headers: [['X-Forwarded-For', '10.0.0.1']] }],
  },
  {
    name: 'ipAllowList: refused',
    manifests: middleware('m', '{ ipAllowList: { sourceRange: [10.0.0.0/8, 192.168.1.7] } }') + through('m'),
    asks: get('/'),
  },
  {
    name: 'ipAllowList: all of IPv6 holds no IPv4 address',
    manifests: middleware('m', '{ ipAllowList: { sourceRange: ["::/0"] } }') + through('m'),
    asks: get('/'),
  },
  {
    name: 'ipAllowList: refused with a status of its own',
    manifests: middleware('m', '{ ipAllowList: { sourceRange: [10.0.0.0/8], rejectStatusCode: 404 } }') + through('m'),
    asks: get('/'),
  },
  {
    name: 'ipAllowList: an unusable range takes the router away',
    manifests: middleware('m', '{ ipAllowList: { sourceRange: [nonsense] } }') + through('m'),
    asks: get('/'),
  },
  {
    name: 'rateLimit: a burst, then refused',
    manifests: middleware('m', '{ rateLimit: { average: 1, period: 1h, burst: 3 } }') + through('m'),
    asks: get('/1', '/2', '/3', '/4', '/5'),
    stateful: 'counted',
    allowed: { headers: ['retry-after', 'x-retry-in'], why: 'they tell the time that is left' },
  },
  {
    name: 'rateLimit: by a header',
    manifests:
      middleware(
        'm',
        '{ rateLimit: { average: 1, period: 1h, burst: 1, sourceCriterion: { requestHeaderName: X-Who } } }',
      ) + through('m'),
    asks: ['a', 'b', 'a', 'b', 'c'].map((who) => ({ target: '/', headers: [['X-Who', who]] as const })),
    stateful: 'counted',
    allowed: { headers: ['retry-after', 'x-retry-in'], why: 'they tell the time that is left' },
  },
  {
    name: 'rateLimit: without a limit',
    manifests: middleware('m', '{ rateLimit: { average: 0 } }') + through('m'),
    asks: get('/', '/', '/'),
  },
  {
    name: 'inFlightReq: one at a time is enough for one after the other',
    manifests: middleware('m', '{ inFlightReq: { amount: 1 } }') + through('m'),
    asks: get('/', '/', '/'),
  },
  {
    name: 'forwardAuth: the answer decides',
    manifests:
      middleware(
        'm',
        '{ forwardAuth: { address: "http://127.1.0.12:${PORT}/auth?status=200&header=X-User:ada&header=X-Other:1", authResponseHeaders: [X-User] } }',
      ) + through('m'),
    asks: [
      {
        target: '/x?y=1',
        headers: [
          ['X-User', 'forged'],
          ['Cookie', 'a=1'],
        ],
      },
      { method: 'POST', target: '/p', body: 'kept', headers: [['Content-Type', 'text/plain']] },
    ],
    allowed: {
      headers: ['user-agent', 'x-forwarded-for', 'accept-encoding'],
      why: 'the question of the gateway carries its own',
    },
  },
  {
    name: 'forwardAuth: refused',
    manifests:
      middleware(
        'm',
        '{ forwardAuth: { address: "http://127.1.0.12:${PORT}/auth?status=403&body=no&header=X-Why:because" } }',
      ) + through('m'),
    asks: get('/', '/x'),
    allowed: {
      headers: ['user-agent', 'x-forwarded-for', 'accept-encoding'],
      why: 'the question of the gateway carries its own',
    },
  },
  {
    name: 'forwardAuth: a redirect to log in',
    manifests:
      middleware(
        'm',
        '{ forwardAuth: { address: "http://127.1.0.12:${PORT}/auth?status=302&header=Location:https://login.test/x" } }',
      ) + through('m'),
    asks: get('/'),
    allowed: {
      headers: ['user-agent', 'x-forwarded-for', 'accept-encoding'],
      why: 'the question of the gateway carries its own',
    },
  },
  {
    name: 'forwardAuth: chosen request headers, by pattern response headers',
    manifests:
      middleware(
        'm',
        '{ forwardAuth: { address: "http://127.1.0.12:${PORT}/auth?header=X-A-1:1&header=X-B:2", authRequestHeaders: [X-Only], authResponseHeadersRegex: "^X-A" } }',
      ) + through('m'),
    asks: [
      {
        target: '/',
        headers: [
          ['X-Only', '1'],
          ['X-Not', '2'],
          ['X-A-9', 'forged'],
        ],
      },
    ],
    allowed: {
      headers: ['user-agent', 'x-forwarded-for', 'accept-encoding'],
      why: 'the question of the gateway carries its own',
    },
  },
  {
    name: 'forwardAuth: nobody answers',
    manifests: middleware('m', '{ forwardAuth: { address: "http://127.1.0.12:${PORT}/auth?reset" } }') + through('m'),
    asks: get('/'),
    allowed: {
      headers: ['user-agent', 'x-forwarded-for', 'accept-encoding'],
      why: 'the question of the gateway carries its own',
    },
  },
];
