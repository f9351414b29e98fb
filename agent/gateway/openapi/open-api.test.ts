import fc from 'fast-check';
import { createServer, type Server } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import type { GatewayConfig } from '../../../shared/gateway/config.ts';
import type { OpenApiConfig } from '../../../shared/gateway/open-api.ts';
import { balancer, managed, prefix, ref, route } from '../testing/config.ts';
import { closeServer, listen } from '../testing/gateway-under-test.ts';
import { useGateway } from '../testing/use-gateway.ts';
import { Contract } from './contract.ts';
import { readOpenApi } from './read-open-api.ts';

const start = useGateway();
const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map(closeServer));
});

const petSchema = {
  type: 'object',
  required: ['id', 'name'],
  properties: {
    id: { type: 'integer', readOnly: true },
    name: { type: 'string', pattern: '^[a-z]+$', maxLength: 10 },
    age: { type: 'integer', minimum: 0, exclusiveMinimum: true },
    friend: { $ref: '#/components/schemas/Pet' },
    note: { type: 'string', nullable: true },
  },
  additionalProperties: false,
};
const petstore = {
  openapi: '3.0.3',
  servers: [{ url: 'https://api.example/v1' }],
  paths: {
    '/pets': {
      get: {},
      post: {
        requestBody: {
          required: true,
          content: { 'application/json': { schema: { $ref: '#/components/schemas/Pet' } } },
        },
      },
    },
    '/pets/mine': { get: {} },
    '/pets/{id}': { get: {}, delete: {} },
    '/pets/{id}.json': { put: {} },
  },
  components: { schemas: { Pet: petSchema } },
};
const contract = (document: object) => new Contract(readOpenApi(JSON.stringify(document)));
const bodyOf = (made: Contract, value: unknown, type = 'application/json') => {
  const found = made.find('POST', '/pets');
  if (found.kind !== 'found') throw new Error('POST /pets is not found');
  return made.bodyFailures(
    found.operation,
    type,
    Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
  );
};

describe('an OpenAPI document', () => {
  test.each([
    ['GET', '/pets', '/pets'],
    ['GET', '/v1/pets', '/pets'],
    ['HEAD', '/pets', '/pets'],
    ['GET', '/pets/mine', '/pets/mine'],
    ['GET', '/pets/7', '/pets/{id}'],
    ['PUT', '/pets/7.json', '/pets/{id}.json'],
  ])('%s %s is %s', (method, path, wanted) => {
    expect(contract(petstore).find(method, path)).toMatchObject({ kind: 'found', operation: { path: wanted } });
  });

  test.each([
    ['GET', '/pets/', 'no-path'],
    ['GET', '/pets/7/toys', 'no-path'],
    ['GET', '/v1x/pets', 'no-path'],
    ['PATCH', '/pets', 'no-method'],
    ['DELETE', '/pets/mine', 'no-method'],
  ])('%s %s is %s', (method, path, kind) => {
    expect(contract(petstore).find(method, path)).toMatchObject({ kind });
  });

  test('bodies are checked as OpenAPI 3.0 means its schemas, and all that failed is told', () => {
    const made = contract(petstore);
    expect(bodyOf(made, { name: 'rex', note: null, friend: { name: 'kim' } })).toEqual([]);
    expect(bodyOf(made, { name: 'REX', age: 0, friend: { name: 'x', tail: 1 } }).map(({ pointer }) => pointer)).toEqual(
      expect.arrayContaining(['/name', '/age', '/friend']),
    );
    expect(bodyOf(made, '')).toEqual([{ pointer: '', message: 'a body is required' }]);
    expect(bodyOf(made, '{"name":')).toEqual([{ pointer: '', message: expect.stringContaining('no JSON') }]);
    expect(bodyOf(made, '<pet/>', 'text/xml')).toEqual([{ pointer: '', message: expect.stringContaining('text/xml') }]);
  });

  test('Swagger 2.0 and 3.1 in YAML say the same', () => {
    const swagger = `
swagger: "2.0"
basePath: /v1
consumes: [application/json]
paths:
  /pets: { post: { parameters: [{ in: body, name: pet, required: true, schema: { $ref: "#/definitions/Pet" } }] } }
definitions:
  Pet: { type: object, required: [name], properties: { name: { type: string }, age: { type: integer, x-nullable: true } } }`;
    const modern = `
openapi: 3.1.0
paths:
  /pets: { post: { requestBody: { $ref: "#/components/requestBodies/Pet" } } }
components:
  requestBodies: { Pet: { required: true, content: { "application/*": { schema: { $ref: "#/components/schemas/Pet" } } } } }
  schemas: { Pet: { type: object, required: [name], properties: { name: { type: string }, age: { type: [integer, "null"] } } } }`;
    for (const text of [swagger, modern]) {
      const made = new Contract(readOpenApi(text));
      expect(bodyOf(made, { name: 'rex', age: null })).toEqual([]);
      expect(bodyOf(made, { age: 'old' }).map(({ pointer }) => pointer)).toEqual(expect.arrayContaining(['', '/age']));
    }
  });

  test.each([
    ['[]', /no object/],
    ['{"openapi":"4.0"}', /neither/],
    ['{"openapi":"3.0.0",', /cannot be used/],
    ['{"openapi":"3.0.0","paths":{"/a":{"$ref":"http://evil.example/x"}}}', /out of the document/],
    ['{"openapi":"3.0.0","paths":{"/a":{"$ref":"#/paths/~1a"}}}', /circle/],
    [`a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [${'*a,'.repeat(99)}*a]\nc: [${'*b,'.repeat(99)}*b]`, /alias/i],
    [`{"openapi":"3.0.0","x":${'['.repeat(300)}${']'.repeat(300)}}`, /deep/],
  ])('%s is refused', (text, why) => {
    expect(() => readOpenApi(text)).toThrow(why);
  });

  test('whatever the text is, it is read or refused in order', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        try {
          readOpenApi(text);
        } catch (error) {
          expect(error).toMatchObject({ code: 'openapi-unreadable' });
        }
      }),
    );
  });

  test('a hostile pattern takes no time', () => {
    const bad = {
      ...petstore,
      components: {
        schemas: { Pet: { type: 'object', properties: { name: { type: 'string', pattern: '^(a+)+$' } } } },
      },
    };
    expect(bodyOf(contract(bad), { name: `${'a'.repeat(50_000)}!` })).toHaveLength(1);
  });
});

function checked(from: OpenApiConfig['from'], more: Partial<OpenApiConfig> = {}): GatewayConfig {
  const config = managed({
    plans: {
      'shop/small': {
        source: ref('APIPlan', 'small'),
        quota: { limit: 100, periodMs: 60_000, bucket: 'subscription' },
      },
    },
  });
  const readers = config.subscriptions['shop/readers'];
  if (readers === undefined) throw new Error('the sample configuration has changed');
  const openApi = { source: ref('API', 'pets'), from, methodAndPath: true, body: true, ...more };
  return {
    ...config,
    subscriptions: { 'shop/readers': { ...readers, operations: undefined } },
    openApis: { 'API shop/pets': openApi },
  };
}

const key = { Authorization: 'Bearer key-good' };

describe('a gateway that checks', () => {
  test('lets through what the document has, refuses the rest with what failed, and refused calls cost nothing', async () => {
    const { ask } = await start(
      checked({ path: '/openapi.json', services: { 'IngressRoute/shop/pets#0': 'shop-web-80' } }),
      (request, response) => {
        response.end(request.url === '/openapi.json' ? JSON.stringify(petstore) : 'ok');
      },
    );
    const post = (body: unknown) =>
      ask('/pets', {
        method: 'POST',
        headers: { ...key, 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      });
    const good = await ask('/pets', { headers: key });
    expect([good.status, good.header('x-quota-remaining')]).toEqual([200, '99']);
    const missing = await ask('/pets/7/toys', { headers: key });
    expect([missing.status, missing.json()['code']]).toEqual([404, 'openapi-path']);
    const method = await ask('/pets/7', { method: 'PATCH', headers: key });
    expect([method.status, method.header('allow')]).toEqual([405, 'DELETE, GET']);
    const bad = await post({ name: 'REX', tail: 1 });
    expect([bad.status, bad.header('content-type')]).toEqual([400, 'application/problem+json']);
    expect(bad.json()['errors']).toEqual(expect.arrayContaining([expect.objectContaining({ pointer: '/name' })]));
    const right = await post({ name: 'rex' });
    expect([right.status, right.body.toString(), right.header('x-quota-remaining')]).toEqual([200, 'ok', '98']);
    expect((await ask('/pets', {})).status).toBe(401);
  });

  test('fetches from a URL, through redirects, once for calls that come together', async () => {
    let fetched = 0;
    const server = createServer((request, response) => {
      if (request.url === '/old') response.writeHead(302, { location: '/new' }).end();
      else {
        fetched += 1;
        response.end(JSON.stringify(petstore));
      }
    });
    servers.push(server);
    const url = `${await listen(server)}/old`;
    const { ask, apply } = await start(checked({ url }));
    const answers = await Promise.all([ask('/pets', { headers: key }), ask('/pets/a/b', { headers: key })]);
    expect(answers.map(({ status }) => status)).toEqual([200, 404]);
    apply(checked({ url }));
    expect((await ask('/pets', { headers: key })).status).toBe(200);
    expect(fetched).toBe(1);
  });

  test('checks each route against the document of its own Service, and a route without one not at all', async () => {
    const other = createServer((request, response) => {
      response.end(
        request.url === '/openapi.json' ? JSON.stringify({ openapi: '3.0.3', paths: { '/toys': { get: {} } } }) : 'ok',
      );
    });
    servers.push(other);
    const toys = await listen(other);
    const services = { 'IngressRoute/shop/pets#0': 'shop-web-80', 'IngressRoute/shop/toys#0': 'shop-toys-80' };
    const base = checked({ path: '/openapi.json', services });
    const attached = { api: 'shop/pets' };
    const config: GatewayConfig = {
      ...base,
      routes: [
        ...base.routes,
        route('toys', prefix('/toys'), { ...attached, backends: [{ service: 'shop-toys-80', weight: 1 }] }),
        route('free', prefix('/free'), attached),
      ],
      services: { ...base.services, 'shop-toys-80': balancer('shop/toys:80') },
      upstreams: {
        ...base.upstreams,
        'shop/toys:80': { namespace: 'shop', service: 'toys', port: '80', source: ref('Service', 'toys') },
      },
    };
    const under = await start(base, (request, response) => {
      response.end(request.url === '/openapi.json' ? JSON.stringify(petstore) : 'ok');
    });
    under.apply(config, {
      upstreams: new Map([
        ['shop/web:80', under.url],
        ['shop/toys:80', toys],
      ]),
    });
    for (const [path, status] of [
      ['/pets', 200],
      ['/pets/a/b', 404],
      ['/toys', 200],
      ['/toys/1', 404],
      ['/free', 200],
      ['/free/x', 200],
    ] as const)
      expect([path, (await under.ask(path, { headers: key })).status]).toEqual([path, status]);
  });

  test('answers 503, and says why, while the document cannot be had', async () => {
    const { ask } = await start(
      checked({ path: '/none', services: { 'IngressRoute/shop/pets#0': 'shop-web-80' } }),
      (_, response) => {
        response.writeHead(404).end();
      },
    );
    const answer = await ask('/pets', { headers: key });
    expect([answer.status, answer.json()['code'], answer.json()['detail']]).toEqual([
      503,
      'openapi-away',
      expect.stringContaining('404'),
    ]);
  });
});
