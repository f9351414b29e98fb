import type { HubCase } from './rig.ts';
import { bearer, hub, managedShop, refusedByServer, route, service, subscription } from './manifests.ts';

const KEY = [bearer('key-app')];
const JSON_BODY: readonly [string, string][] = [bearer('key-app'), ['Content-Type', 'application/json']];

/** The upstream answers with the document that the query carries. */
const spec = (document: string): string => `/spec?body=${encodeURIComponent(document)}`;
const YAML = 'openapi: 3.0.3\npaths: { /shop/a: { get: {} }, "/shop/p/{id}": { get: {} } }';
const PET = { type: 'object', required: ['name'], properties: { name: { type: 'string', maxLength: 5 } } };
const JSON_31 = JSON.stringify({
  openapi: '3.1.0',
  paths: { '/shop/a': { post: { requestBody: { required: true, content: { 'application/json': { schema: PET } } } } } },
});
const SWAGGER = JSON.stringify({
  swagger: '2.0',
  basePath: '/shop',
  paths: { '/a': { post: { parameters: [{ name: 'pet', in: 'body', required: true, schema: PET }] } } },
});
const byUrl = (document: string): string => `url: "http://127.1.0.10:\${PORT}${spec(document)}"`;
const shop = (openApiSpec: string, more = ''): string =>
  managedShop(`openApiSpec: { ${openApiSpec} }`) + subscription('s', more);
const set = (matchers: string): string =>
  shop(`path: /spec, operationSets: [{ name: set, matchers: [${matchers}] }]`, ', operationFilter: { include: [set] }');
const allowed = (target: string, method = 'GET') => ({ target, method, headers: KEY, status: 200 });
const refused = (target: string, method = 'GET') => ({ target, method, headers: KEY, status: 403 });
const PROBLEM = { 'content-type': 'application/problem+json' }; // prettier-ignore

export const refreshedEachMinute = (url: string): string =>
  shop(`url: "${url}", refreshInterval: 1m, validateRequestMethodAndPath: true`);

export const openApiCases: readonly HubCase[] = [
  {
    part: '2.6',
    says: 'path: the document is on the Service behind the route; method and path are checked when asked for',
    manifests: shop(`path: "${spec(YAML)}", validateRequestMethodAndPath: true`),
    asks: [
      allowed('/shop/a'),
      allowed('/shop/p/7'),
      { target: '/shop/b', headers: KEY, status: 404, answer: PROBLEM },
      { target: '/shop/a', method: 'DELETE', headers: KEY, status: 405, answer: { ...PROBLEM, allow: 'GET' } },
      { target: '/shop/b', status: 401 },
    ],
  },
  {
    part: '2.6',
    says: 'without the option neither method, path nor body is checked',
    manifests: shop(byUrl(JSON_31)),
    asks: [
      allowed('/shop/b', 'DELETE'),
      { target: '/shop/a', method: 'POST', headers: JSON_BODY, sends: '{}', status: 200 },
    ],
  },
  {
    part: '2.6',
    says: 'url: a JSON document of OpenAPI 3.1, by whose schemas bodies are checked',
    manifests: shop(`${byUrl(JSON_31)}, validateRequestBodySchema: true`),
    asks: [
      { target: '/shop/a', method: 'POST', headers: JSON_BODY, sends: '{"name":"rex"}', status: 200, received: { 'content-length': '14' } },
      { target: '/shop/a', method: 'POST', headers: JSON_BODY, sends: '{"name":"tyrannosaurus"}', status: 400, answer: PROBLEM, body: '"pointer":"/name"' },
      { target: '/shop/a', method: 'POST', headers: JSON_BODY, sends: '{}', status: 400, body: "'name'" },
      { target: '/shop/a', method: 'POST', headers: JSON_BODY, sends: '{', status: 400, body: 'no JSON' },
      { target: '/shop/a', method: 'POST', headers: KEY, status: 400, body: 'required' },
      allowed('/shop/b'),
    ],
  },
  {
    part: '2.6',
    says: 'Swagger 2, with its basePath',
    manifests: shop(`${byUrl(SWAGGER)}, validateRequestMethodAndPath: true, validateRequestBodySchema: true`),
    asks: [
      { target: '/shop/a', method: 'POST', headers: JSON_BODY, sends: '{"name":"rex"}', status: 200 },
      { target: '/shop/a', method: 'POST', headers: JSON_BODY, sends: '{"name":1}', status: 400, body: '"pointer":"/name"' },
      { target: '/shop/other', headers: KEY, status: 404 },
    ],
  },
  {
    part: '2.6',
    says: 'path: several route objects may lead to the one Service',
    manifests:
      shop(`path: "${spec(YAML)}", validateRequestMethodAndPath: true`) +
      route('more', 'Host(`app.test`) && PathPrefix(`/more`)', { api: 'shop' }),
    asks: [allowed('/shop/a'), { target: '/more', headers: KEY, status: 404, answer: PROBLEM }],
  },
  {
    part: '2.6',
    says: 'path: each route object has the document of the Service behind it',
    manifests:
      service('second') +
      shop(`path: "${spec(YAML)}", validateRequestMethodAndPath: true`) +
      route('more', 'Host(`app.test`) && PathPrefix(`/shop/p`)', { api: 'shop' }, '', 'second'),
    asks: [
      { ...allowed('/shop/a'), received: { ':service': 'echo' } },
      { ...allowed('/shop/p/7'), received: { ':service': 'second' } },
      { target: '/shop/b', headers: KEY, status: 404, answer: PROBLEM },
      { target: '/shop/p/7/8', headers: KEY, status: 404, answer: PROBLEM },
    ],
  },
  {
    part: '2.6',
    says: 'a version has checks and a document of its own',
    manifests:
      managedShop(`openApiSpec: { path: "${spec(YAML)}", validateRequestMethodAndPath: true }, versions: [{ name: two }]`) +
      hub('APIVersion', 'two', `{ release: 2.0.0, openApiSpec: { ${byUrl(JSON_31.replaceAll('/shop/a', '/two/a'))}, validateRequestMethodAndPath: true } }`) +
      route('two', 'Host(`app.test`) && PathPrefix(`/two`)', { 'api-version': 'two' }) +
      subscription('s'),
    asks: [
      allowed('/shop/a'),
      { target: '/shop/two/a', headers: KEY, status: 404 },
      allowed('/two/a', 'POST'),
      { target: '/two/a', headers: KEY, status: 405 },
    ],
  },
  {
    part: '2.6',
    says: 'a document that is not there lets no request through',
    manifests: shop('path: /spec?status=404, validateRequestMethodAndPath: true'),
    asks: [{ target: '/shop/a', headers: KEY, status: 503, answer: PROBLEM }],
  },
  {
    part: '2.6',
    says: 'path does not go with several Services behind a route object: no check of its calls, and a diagnostic',
    manifests:
      service('second') +
      shop(`path: "${spec(YAML)}", validateRequestMethodAndPath: true`).replace('services: [', 'services: [{ name: second, port: ${PORT} }, '),
    asks: [{ target: '/shop/b', headers: KEY, status: 200, spread: { echo: 1, second: 1 } }],
  },
  refusedByServer('2.6', 'a refreshInterval below a minute', shop(`path: "${spec(YAML)}", refreshInterval: 59s`)),
  {
    part: '2.6',
    says: 'operation sets by path',
    manifests: set('{ path: /shop/a }'),
    asks: [allowed('/shop/a'), allowed('/shop/a?x=y', 'PUT'), refused('/shop/a/b'), refused('/shop')],
  },
  {
    part: '2.6',
    says: 'operation sets by the paths of the document, under its public base path',
    manifests: set('{ path: "/p/{id}" }').replace(
      'path: /spec,',
      `path: "${spec(YAML.replaceAll('/shop/', '/'))}", override: { servers: [{ url: "https://public.test/shop" }] },`,
    ),
    asks: [allowed('/shop/p/7'), refused('/shop/p'), refused('/shop/p/7/8'), refused('/shop/a')],
  },
  {
    part: '2.6',
    says: 'operation sets by pathPrefix',
    manifests: set('{ pathPrefix: /shop/a }'),
    asks: [allowed('/shop/a'), allowed('/shop/a/b'), refused('/shop/b')],
  },
  {
    part: '2.6',
    says: 'operation sets by pathRegex',
    manifests: set('{ pathRegex: "^/shop/[0-9]+$" }'),
    asks: [allowed('/shop/12'), refused('/shop/12/a'), refused('/shop/a')],
  },
  {
    part: '2.6',
    says: 'operation sets by methods alone, and by methods and path together',
    manifests: set('{ methods: [GET] }, { methods: [POST, PUT], path: /shop/a }'),
    asks: [allowed('/shop/b'), allowed('/shop/a', 'PUT'), refused('/shop/b', 'PUT'), refused('/shop/a', 'DELETE')],
  },
  refusedByServer('2.6', 'a matcher with two forms of path', set('{ path: /shop/a, pathPrefix: /shop }')),
  refusedByServer('2.6', 'a matcher without any property', set('{}')),
  refusedByServer('2.6', 'a contract without path and url', set('{}').replace('path: /spec, ', '')),
]; // prettier-ignore
