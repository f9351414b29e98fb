import { expect, test } from 'vitest';
import { analyze, type Analysis } from '../analyze.ts';

const MIDDLEWARE = (name: string, spec: string): string =>
  `apiVersion: traefik.io/v1alpha1\nkind: Middleware\nmetadata:\n  name: ${name}\nspec: ${spec}\n`;
const SECRET = (name: string, body: string): string =>
  `apiVersion: v1\nkind: Secret\nmetadata:\n  name: ${name}\n${body}\n`;
const SERVICE = 'apiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec: { ports: [{ port: 80 }] }\n';
const ROUTE = `apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata:
  name: r
spec:
  routes:
    - match: PathPrefix(\`/\`)
      middlewares: [{ name: m }]
      services: [{ name: web, port: 80 }]
`;

function run(...documents: string[]): Analysis {
  return analyze([{ path: 'a.yaml', text: [SERVICE, ROUTE, ...documents].join('---\n') }], { namespace: 'ns' });
}

function said({ diagnostics }: Analysis): string[] {
  return diagnostics.map(({ severity, code, path }) => `${severity} ${code} ${path}`);
}

test.each<[string, string]>([
  ['{ retry: {} }', 'spec.retry.attempts'],
  ['{ addPrefix: { prefix: "" } }', 'spec.addPrefix.prefix'],
  ['{ redirectScheme: {} }', 'spec.redirectScheme.scheme'],
  ['{ headers: {} }', 'spec.headers'],
  ['{ ipAllowList: {} }', 'spec.ipAllowList.sourceRange'],
  ['{ ipAllowList: { sourceRange: [10.0.0.0/40] } }', 'spec.ipAllowList.sourceRange[0]'],
  ['{ ipAllowList: { sourceRange: [10.0.0.1], rejectStatusCode: 299 } }', 'spec.ipAllowList.rejectStatusCode'],
  ['{ rateLimit: { period: soon } }', 'spec.rateLimit.period'],
  ['{ rateLimit: { sourceCriterion: { requestHost: true, requestHeaderName: X } } }', 'spec.rateLimit.sourceCriterion'],
  ['{ circuitBreaker: { expression: NetworkErrorRatio() > 1 } }', 'spec.circuitBreaker.expression'],
  ['{ buffering: { retryExpression: Attempts() } }', 'spec.buffering.retryExpression'],
  ['{ compress: { encodings: [deflate] } }', 'spec.compress.encodings'],
  ['{ compress: { encodings: [gzip], defaultEncoding: br } }', 'spec.compress.defaultEncoding'],
  ['{ errors: { status: ["4xx"], service: { name: web, port: 80 } } }', 'spec.errors.status'],
  ['{ basicAuth: {} }', 'spec.basicAuth.secret'],
  ['{ forwardAuth: {} }', 'spec.forwardAuth.address'],
  ['{ plugin: { mine: {} } }', 'spec.plugin'],
  ['{ stripPrefix: { prefixes: [/a] }, addPrefix: { prefix: /b } }', 'spec.addPrefix'],
])('Traefik makes nothing of %s, so its route is not served', (spec, path) => {
  const analysis = run(MIDDLEWARE('m', spec));
  expect(said(analysis)).toContain(`error middleware-invalid ${path}`);
  expect(analysis.config.routes).toEqual([]);
});

test('a pattern that is none of RE2 is told as such', () => {
  const analysis = run(MIDDLEWARE('m', '{ stripPrefixRegex: { regex: ["/a", "(?=x)"] } }'));
  expect(said(analysis)).toEqual(['error regex-invalid spec.stripPrefixRegex.regex[1]']);
  expect(analysis.config.routes).toEqual([]);
});

test.each<[string, string[]]>([
  ['{ passTLSClientCert: { pem: true } }', ['warning not-enforced spec.passTLSClientCert']],
  ['{ rateLimit: { average: 1, redis: {} } }', ['warning not-enforced spec.rateLimit.redis']],
  ['{ buffering: { memRequestBodyBytes: 1 } }', ['info not-enforced spec.buffering.memRequestBodyBytes']],
  [
    '{ ipAllowList: { sourceRange: [10.0.0.1], ipStrategy: { depth: 1 } } }',
    ['info not-enforced spec.ipAllowList.ipStrategy.depth'],
  ],
  [
    '{ ipWhiteList: { sourceRange: [10.0.0.1] } }',
    ['warning deprecated spec.ipWhiteList'],
  ],
])('%s is served, and what is different is said', (spec, expected) => {
  const analysis = run(MIDDLEWARE('m', spec));
  expect(said(analysis)).toEqual(expected);
  expect(analysis.config.routes).toHaveLength(1);
}); // prettier-ignore

test('users come from a Secret with one key, or of the type for one user; what is neither lets nobody in', () => {
  const auth = MIDDLEWARE('m', '{ basicAuth: { secret: s } }');
  const users = (...secret: string[]): unknown => {
    const [route] = run(auth, ...secret).config.routes;
    const [middleware] = route?.middlewares ?? [];
    return middleware?.kind === 'basic-auth' ? middleware.users : undefined;
  };
  expect(users(SECRET('s', 'stringData: { users: "ada:{SHA}x\\n\\neve:$apr1$y$z\\n" }'))).toEqual({
    ada: '{SHA}x',
    eve: '$apr1$y$z',
  });
  expect(users(SECRET('s', 'type: kubernetes.io/basic-auth\nstringData: { username: ada, password: secret }'))).toEqual(
    {
      ada: '{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=',
    },
  );
  expect(users(SECRET('s', 'stringData: { a: "x:y", b: "x:y" }'))).toBeUndefined();
  expect(users(SECRET('s', 'stringData: { a: no-colon }'))).toBeUndefined();
  expect(users()).toBeUndefined();
});

test('chains are laid out flat, whatever their depth; one that leads back to itself serves nothing', () => {
  const chain = (name: string, ...names: string[]): string =>
    MIDDLEWARE(name, `{ chain: { middlewares: [${names.map((each) => `{ name: ${each} }`).join(', ')}] } }`);
  const a = MIDDLEWARE('a', '{ addPrefix: { prefix: /a } }');
  const b = MIDDLEWARE('b', '{ contentType: {} }');
  const made = run(chain('m', 'a', 'inner'), chain('inner', 'b', 'a'), a, b);
  expect(made.config.routes[0]?.middlewares.map(({ kind }) => kind)).toEqual(['add-prefix', 'content-type', 'add-prefix']);
  const round = run(chain('m', 'a', 'inner'), chain('inner', 'm'), a);
  expect(round.config.routes).toEqual([]);
  expect(said(round).some((line) => line.startsWith('error reference-cycle'))).toBe(true);
  expect(run(chain('m', 'gone')).config.routes).toEqual([]);
  const doubled = Array.from({ length: 40 }, (_, at) => chain(`d${at}`, `d${at + 1}`, `d${at + 1}`));
  expect(run(chain('m', 'd0'), ...doubled, MIDDLEWARE('d40', '{ contentType: {} }')).config.routes).toEqual([]);
}); // prettier-ignore

test('an address within the cluster leads to the Service, as routes do', () => {
  const { config } = run(
    MIDDLEWARE('m', '{ forwardAuth: { address: "http://web.ns.svc.cluster.local/auth" } }'),
  );
  const [middleware] = config.routes[0]?.middlewares ?? [];
  const key = middleware?.kind === 'forward-auth' ? middleware.service : undefined;
  expect(config.services[key ?? '']).toMatchObject({ kind: 'load-balancer', upstream: 'ns/web:80' });
}); // prettier-ignore
