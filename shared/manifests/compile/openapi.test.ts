import { describe, expect, test } from 'vitest';
import { analyze } from '../analyze.ts';

const meta = (name: string, more = '') => `metadata: { name: ${name}, namespace: shop${more} }`;
const service = (name: string) => `apiVersion: v1\nkind: Service\n${meta(name)}\nspec: { ports: [{ port: 80 }] }`;
const route = (...services: string[]) => `apiVersion: traefik.io/v1alpha1
kind: IngressRoute
${meta('pets', ', annotations: { hub.traefik.io/api: pets }')}
spec: { routes: [{ kind: Rule, match: PathPrefix(\`/pets\`), services: [${services.map((name) => `{ name: ${name}, port: 80 }`).join(', ')}] }] }`;
const api = (openApiSpec: string) =>
  `apiVersion: hub.traefik.io/v1alpha1\nkind: API\n${meta('pets')}\nspec: { openApiSpec: ${openApiSpec} }`;

function compiled(...texts: string[]) {
  const files = texts.map((text, at) => ({ path: `${at}.yaml`, text }));
  const analysis = analyze(files, { namespace: 'default' });
  return { config: analysis.config, said: analysis.diagnostics.map(({ message }) => message).join('\n') };
}

test('the document is on the one Service behind the routes of the API', () => {
  const spec = '{ path: /openapi.json, validateRequestMethodAndPath: true, refreshInterval: 2m }';
  const { config, said } = compiled(service('web'), route('web'), api(spec));
  expect(Object.entries(config.openApis ?? {})).toMatchObject([
    [
      'API shop/pets',
      { from: { path: '/openapi.json' }, methodAndPath: true, body: false, refreshMs: 120_000, bases: undefined },
    ],
  ]);
  expect(said).not.toContain('not enforced');
});

test('with several Services behind one route object the path is told not to be enforced', () => {
  const spec = '{ path: /openapi.json, validateRequestBodySchema: true }';
  const { config, said } = compiled(service('web'), service('two'), route('web', 'two'), api(spec));
  expect(config.openApis).toBeUndefined();
  expect(said).toContain('those of IngressRoute "pets" lead to 2 of them');
});

const more = (name: string, to: string, annotation: string) =>
  route(to).replace('name: pets,', `name: ${name},`).replace('hub.traefik.io/api: pets', annotation);
const servicesOf = ({ config }: ReturnType<typeof compiled>, id: string) => {
  const from = config.openApis?.[id]?.from;
  const services = from !== undefined && 'path' in from ? from.services : {};
  return Object.fromEntries(
    Object.entries(services).map(([route, key]) => {
      const to = config.services[key];
      return [route.slice('IngressRoute/shop/'.length), to?.kind === 'load-balancer' ? to.upstream : to?.kind];
    }),
  );
};

test('each route object has the document of the Service behind it, and one with several goes without', () => {
  const spec = '{ path: /openapi.json, validateRequestMethodAndPath: true }';
  const all = [service('web'), service('two'), more('other', 'two', 'hub.traefik.io/api: pets'), api(spec)];
  const both = compiled(...all, route('web'));
  expect(both.said).not.toContain('not enforced');
  expect(servicesOf(both, 'API shop/pets')).toEqual({ 'pets#0': 'shop/web:80', 'other#0': 'shop/two:80' });
  const one = compiled(...all, route('web', 'two'));
  expect(one.said).toContain('those of IngressRoute "pets" lead to 2 of them');
  expect(servicesOf(one, 'API shop/pets')).toEqual({ 'other#0': 'shop/two:80' });
});

test('a route that only others stand below leads to no Service', () => {
  const spec = '{ path: /openapi.json, validateRequestMethodAndPath: true }';
  const above = route().replace('name: pets,', 'name: above,').replace(', services: []', '');
  const below = more('below', 'web', 'hub.traefik.io/api: pets').replace(
    'spec: {',
    'spec: { parentRefs: [{ name: above }],',
  );
  const analysis = compiled(service('web'), above, below, api(spec));
  expect(analysis.said).not.toContain('not enforced');
  expect(Object.values(servicesOf(analysis, 'API shop/pets'))).toEqual(['shop/web:80']);
});

test('several routes to one Service are one place, and the routes of a version have no say', () => {
  const version = `apiVersion: hub.traefik.io/v1alpha1\nkind: APIVersion\n${meta('two')}\nspec: { release: 2.0.0 }`;
  const spec = '{ path: /openapi.json, validateRequestMethodAndPath: true }, versions: [{ name: two }]';
  const { config, said } = compiled(
    service('web'),
    service('other'),
    route('web'),
    more('again', 'web', 'hub.traefik.io/api: pets'),
    more('two', 'other', 'hub.traefik.io/api-version: two'),
    version,
    api(spec),
  );
  expect(config.routes).toHaveLength(3);
  expect(servicesOf({ config, said }, 'API shop/pets')).toEqual({
    'pets#0': 'shop/web:80',
    'again#0': 'shop/web:80',
    'two#0': 'shop/web:80',
  });
  expect(Object.values(config.openApis ?? {})).toMatchObject([{ from: { path: '/openapi.json' } }]);
  expect(said).not.toContain('not enforced');
});

test('servers of the override are where the API is public', () => {
  const servers = '{ servers: [{ url: "https://api.example/shop/" }] }';
  const spec = `{ url: "https://docs.example/o.json", override: ${servers}, validateRequestBodySchema: true }`;
  const { config } = compiled(service('web'), route('web'), api(spec));
  expect(Object.values(config.openApis ?? {})).toMatchObject([
    { from: { url: 'https://docs.example/o.json' }, bases: ['/shop'], body: true },
  ]);
});

describe('the document is wanted for operation sets', () => {
  const spec = '{ path: /o, operationSets: [{ name: read, matchers: [{ path: "/pets/{id}" }] }] }';
  const plan = `apiVersion: hub.traefik.io/v1alpha1\nkind: APIPlan\n${meta('p')}\nspec: { title: P }`;
  const subscription = (filter: string) =>
    `apiVersion: hub.traefik.io/v1alpha1\nkind: ManagedSubscription\n${meta('s')}\nspec: { apis: [{ name: pets }], apiPlan: { name: p }${filter} }`;

  test('that a subscription names, and for no others', () => {
    const all = [service('web'), route('web'), api(spec), plan];
    const { config, said } = compiled(...all, subscription(', operationFilter: { include: [read] }'));
    expect(Object.values(config.openApis ?? {})).toMatchObject([
      { from: { path: '/o' }, methodAndPath: false, body: false, operations: true },
    ]);
    expect(said).toBe('');
    expect(compiled(...all, subscription('')).config.openApis).toBeUndefined();
  });

  test('and what is compared without it is told', () => {
    const all = [service('web'), service('two'), route('web', 'two'), api(spec), plan];
    const { config, said } = compiled(...all, subscription(', operationFilter: { include: [read] }'));
    expect(config.openApis).toBeUndefined();
    expect(said).toContain(
      'operation sets are compared with the paths of requests, and not with those of the document',
    );
  });
});

test('nothing is fetched for an API that asks for no checks', () => {
  expect(compiled(service('web'), route('web'), api('{ path: /o }')).config.openApis).toBeUndefined();
});
