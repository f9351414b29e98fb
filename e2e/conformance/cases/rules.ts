import type { ConformanceCase } from '../conformance-case.ts';
import { APP, get, rules } from './manifests.ts';

export const RULE_CASES: readonly ConformanceCase[] = [
  {
    name: 'rules: Path is the whole path',
    manifests: rules(`${APP} && Path(\`/a\`)`),
    asks: get('/a', '/a/', '/a/b', '/A', '/a?x=1', '/'),
  },
  {
    name: 'rules: PathPrefix is a plain prefix',
    manifests: rules(`${APP} && PathPrefix(\`/a\`)`),
    asks: get('/a', '/a/', '/a/b', '/ab', '/b', '/b/a', '/', '/a?x=%20'),
  },
  {
    name: 'rules: PathRegexp is searched, not anchored',
    manifests: rules(`${APP} && PathRegexp(\`/v[0-9]+\`)`, `${APP} && PathRegexp(\`^/end$\`)`),
    asks: get('/v1', '/x/v22/y', '/v', '/end', '/end/', '/the/end'),
  },
  {
    name: 'rules: Method',
    manifests: rules(`${APP} && Method(\`POST\`)`, `${APP} && Method(\`GET\`)`),
    asks: ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH'].map((method) => ({ method, target: '/' })),
  },
  {
    name: 'rules: Header and HeaderRegexp',
    manifests: rules(`${APP} && Header(\`X-Key\`, \`one\`)`, `${APP} && HeaderRegexp(\`X-Key\`, \`^t(wo|hree)$\`)`),
    asks: [
      { target: '/', headers: [['X-Key', 'one']] },
      { target: '/', headers: [['x-key', 'one']] },
      { target: '/', headers: [['X-Key', 'One']] },
      { target: '/', headers: [['X-Key', 'two']] },
      { target: '/', headers: [['X-Key', 'twos']] },
      {
        target: '/',
        headers: [
          ['X-Key', 'zero'],
          ['X-Key', 'one'],
        ],
      },
      { target: '/', headers: [['X-Key', 'zero, one']] },
      { target: '/' },
    ],
  },
  {
    name: 'rules: Query and QueryRegexp',
    manifests: rules(
      `${APP} && Query(\`k\`, \`v\`)`,
      `${APP} && Query(\`flag\`)`,
      `${APP} && QueryRegexp(\`n\`, \`^[0-9]+$\`)`,
    ),
    asks: get(
      '/?k=v',
      '/?k=w',
      '/?k=w&k=v',
      '/?K=v',
      '/?flag',
      '/?flag=',
      '/?flag=1',
      '/?n=12',
      '/?n=x',
      '/?n=x&n=3',
      '/?k=%76',
      '/?k=v;x',
      '/',
    ),
  },
  {
    name: 'rules: ClientIP',
    manifests: rules(
      `${APP} && ClientIP(\`10.0.0.0/8\`)`,
      `${APP} && ClientIP(\`127.0.0.1\`)`,
      `${APP} && ClientIP(\`::/0\`) && PathPrefix(\`/six\`)`,
      `${APP} && ClientIP(\`::ffff:127.0.0.0/104\`) && PathPrefix(\`/four-in-six\`)`,
    ),
    asks: [...get('/', '/six', '/four-in-six'), { target: '/', headers: [['X-Forwarded-For', '10.1.1.1']] }],
  },
  {
    name: 'rules: not, or, and, parentheses',
    manifests: rules(
      `${APP} && !PathPrefix(\`/private\`) && Method(\`GET\`)`,
      `${APP} && (PathPrefix(\`/private/a\`) || Header(\`X-In\`, \`yes\`)) && !(Method(\`DELETE\`))`,
    ),
    asks: [
      ...get('/', '/private', '/private/a', '/private/b'),
      { target: '/private/b', headers: [['X-In', 'yes']] },
      { target: '/private/a', method: 'DELETE' },
      { target: '/other', method: 'POST' },
      { target: '/other', method: 'POST', headers: [['X-In', 'yes']] },
    ],
  },
  {
    name: 'rules: the longer rule goes first',
    manifests: rules(
      `${APP} && PathPrefix(\`/\`)`,
      `${APP} && PathPrefix(\`/api\`)`,
      `${APP} && PathPrefix(\`/api/v1\`)`,
    ),
    asks: get('/', '/api', '/api/v1', '/api/v1/x', '/apix', '/other'),
  },
  {
    name: 'rules: explicit priorities go first',
    manifests: rules(
      { match: `${APP} && PathPrefix(\`/\`)`, priority: 100 },
      { match: `${APP} && PathPrefix(\`/api\`)`, priority: 99 },
      { match: `${APP} && Path(\`/api/v1\`)`, priority: 101 },
    ),
    asks: get('/', '/api', '/api/v1'),
  },
  {
    name: 'rules: a small priority loses against a computed one',
    manifests: rules(
      { match: `${APP} && PathPrefix(\`/api/v1/long\`)`, priority: 1 },
      `${APP} && PathPrefix(\`/api\`)`,
    ),
    asks: get('/api/v1/long', '/api/x'),
  },
  {
    name: 'rules: hosts',
    manifests: rules(
      'Host(`app.test`)',
      'Host(`api.test`) || Host(`other.test`)',
      'HostRegexp(`^[a-z]+\\.b\\.app\\.test$`)',
    ),
    asks: ['app.test', 'api.test', 'other.test', 'www.app.test', 'a.b.app.test'].map((host) => ({ host, target: '/' })),
  },
  {
    name: 'rules: Host of upper case and with a wildcard that is none',
    manifests: rules('Host(`APP.test`)', 'Host(`*.app.test`)'),
    asks: ['app.test', 'www.app.test', 'a.b.app.test'].map((host) => ({ host, target: '/' })),
  },
  {
    name: 'rules: a rule without host serves all',
    manifests: rules('PathPrefix(`/everywhere`)', `${APP} && PathPrefix(\`/everywhere/app\`)`),
    asks: ['app.test', 'other.test'].flatMap((host) =>
      ['/everywhere', '/everywhere/app', '/x'].map((target) => ({ host, target })),
    ),
  },
  {
    name: 'rules: encoded paths',
    manifests: rules(
      `${APP} && PathPrefix(\`/a b\`)`,
      `${APP} && Path(\`/caf\u00e9\`)`,
      `${APP} && PathPrefix(\`/keep\`)`,
    ),
    asks: get(
      '/a%20b',
      '/a%20b/c',
      '/caf%C3%A9',
      '/caf%c3%a9',
      '/keep/%41',
      '/keep/a%7Eb',
      '/keep/%3Fq',
      '/keep/a+b',
      '/keep/a%2Bb',
      '/keep/%e4%bd%a0',
    ),
  },
  {
    name: 'rules: reserved characters in a path',
    manifests: rules(`${APP} && PathPrefix(\`/keep\`)`, `${APP} && PathPrefix(\`/\`)`),
    asks: get(
      '/keep%2Fx',
      '/keep/a%2Fb',
      '/keep/a%2fb',
      '/keep/%5C',
      '/keep/%00',
      '/keep/%3B',
      '/keep/;p=1',
      '/keep/%25',
      '/keep/%23',
      '/keep//x',
      '//keep/x',
      '/keep/./x',
      '/keep/../x',
      '/../keep',
      '/keep/%2e%2e/x',
      '/keep/..%2fx',
      '/keep/a%',
      '/keep/%zz',
    ),
  },
];
