import fc from 'fast-check';
import { createServer, type RequestListener, type Server } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import type { GatewayConfig, OperationMatcher } from '../../../shared/gateway/config.ts';
import { balancer, prefix, ref, route } from '../testing/config.ts';
import { closeServer, listen } from '../testing/gateway-under-test.ts';
import { useGateway } from '../testing/use-gateway.ts';
import { Contract } from './contract.ts';
import { readOpenApi } from './read-open-api.ts';
import { checked, key, petstore, SERVICES } from './testing/checked.ts';

const start = useGateway();
const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map(closeServer));
});

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

  test('whether the same item comes twice is found out in a moment, however many there are', () => {
    const schema = { type: 'array', uniqueItems: true };
    const pets = { post: { requestBody: { content: { 'application/json': { schema } } } } };
    const made = contract({ openapi: '3.0.0', paths: { '/pets': pets } });
    const items = Array.from({ length: 80_000 }, (_, at) => ({ a: at }));
    expect(bodyOf(made, items)).toEqual([]);
    expect(bodyOf(made, [...items, { a: 7 }])).toMatchObject([
      { pointer: '', message: 'must NOT have duplicate items' },
    ]);
    expect(bodyOf(made, [{ a: 1, b: { c: 2, d: [] } }, 1, '1', { b: { d: [], c: 2 }, a: 1 }])).toHaveLength(1);
    expect(bodyOf(made, [{ a: 1 }, { a: '1' }, [1], ['1'], 1, '1', null, 'null', '[1]'])).toEqual([]);
  }, 10_000);

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

describe('operation sets', () => {
  /** Application `web-app` may call what the matchers hold. */
  function narrowed(matchers: readonly OperationMatcher[], more: Partial<GatewayConfig> = {}): GatewayConfig {
    const base = checked(
      { path: '/openapi.json', services: SERVICES },
      { methodAndPath: false, body: false, operations: true },
    );
    const api = base.apis['shop/pets'];
    const readers = base.subscriptions['shop/readers'];
    if (api === undefined || readers === undefined) throw new Error('the sample configuration has changed');
    return {
      ...base,
      apis: { 'shop/pets': { ...api, operationSets: { set: matchers } } },
      subscriptions: { 'shop/readers': { ...readers, operations: ['set'] } },
      ...more,
    };
  }
  const serve: RequestListener = (request, response) => {
    response.end(request.url === '/openapi.json' ? JSON.stringify(petstore) : 'ok');
  };

  test.each<[string, OperationMatcher, readonly string[], readonly string[]]>([
    [
      'the path of an operation',
      { methods: [], path: '/pets/{id}' },
      ['/pets/7', '/pets/rex'],
      ['/pets', '/pets/mine', '/pets/7/a'],
    ],
    ['a prefix of operations', { methods: [], pathPrefix: '/pets/{' }, ['/pets/7'], ['/pets', '/pets/mine']],
    ['an expression for operations', { methods: [], pathRegex: '\\{id\\}$' }, ['/pets/7'], ['/pets/mine']],
    ['the path of a request', { methods: [], path: '/pets/7' }, ['/pets/7'], ['/pets/8']],
    ['methods and an operation', { methods: ['DELETE'], path: '/pets/{id}' }, [], ['/pets/7']],
  ])('hold requests by %s', async (_, matcher, held, others) => {
    const { ask } = await start(narrowed([matcher]), serve);
    for (const path of held) expect([path, (await ask(path, { headers: key })).status]).toEqual([path, 200]);
    for (const path of others) expect([path, (await ask(path, { headers: key })).status]).toEqual([path, 403]);
    expect((await ask('/pets/7')).status).toBe(401);
  });

  test('hold calls that came before the document did', async () => {
    const asked = Promise.withResolvers<() => void>();
    const { ask } = await start(narrowed([{ methods: [], path: '/pets/{id}' }]), (request, response) => {
      if (request.url === '/openapi.json') asked.resolve(() => response.end(JSON.stringify(petstore)));
      else response.end('ok');
    });
    const answer = ask('/pets/7', { headers: key });
    (await asked.promise)();
    expect([(await answer).status, (await answer).header('x-quota-remaining')]).toEqual([200, '99']);
    expect((await ask('/pets/7', { headers: key })).header('x-quota-remaining')).toBe('98');
  });

  test('hold by the paths of requests alone while the document cannot be had', async () => {
    const { ask } = await start(
      narrowed([
        { methods: [], path: '/pets/{id}' },
        { methods: [], path: '/pets' },
      ]),
      (request, response) => {
        response.writeHead(request.url === '/openapi.json' ? 500 : 200).end();
      },
    );
    expect((await ask('/pets', { headers: key })).status).toBe(200);
    expect((await ask('/pets/7', { headers: key })).status).toBe(403);
  });
});
