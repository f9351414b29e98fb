import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { expect, test } from 'vitest';
import { z } from 'zod';

import { call, control } from './testing/control-client.ts';

const schemaHolder = z.looseObject({ schema: z.looseObject({}).optional() });
const operation = z.looseObject({
  summary: z.string(),
  security: z.array(z.record(z.string(), z.array(z.string()))).optional(),
  parameters: z
    .array(
      z.looseObject({ name: z.string(), in: z.enum(['path', 'query', 'header', 'cookie']), schema: z.looseObject({}) }),
    )
    .optional(),
  requestBody: z.looseObject({ content: z.record(z.string(), schemaHolder) }).optional(),
  responses: z.record(
    z.string().regex(/^([1-5]\d\d|[1-5]XX|default)$/i),
    z.looseObject({ description: z.string(), content: z.record(z.string(), schemaHolder).optional() }),
  ),
});
const document = z.looseObject({
  openapi: z.string().regex(/^3\.1\.\d+$/),
  info: z.looseObject({ title: z.string(), version: z.string() }),
  paths: z.record(z.string().startsWith('/'), z.record(z.enum(['get', 'put', 'post', 'delete']), operation.optional())),
  components: z.looseObject({
    securitySchemes: z.record(z.string(), z.looseObject({ type: z.literal('http'), scheme: z.string() })),
  }),
});

test('the OpenAPI document names every route, its schemas compile and its references resolve', async () => {
  const server = await control();
  try {
    const { body } = await call(server, 'GET', '/openapi.json');
    const api = document.parse(body);
    const listed = Object.entries(api.paths).flatMap(([path, methods]) =>
      Object.entries(methods).flatMap(([method, found]) => (found === undefined ? [] : [`${method} ${path}`])),
    );
    expect(listed.toSorted()).toEqual([
      'delete /v1/agents/{id}',
      'delete /v1/agents/{id}/tokens/{jti}',
      'delete /v1/leases/{id}',
      'get /.well-known/jwks.json',
      'get /healthz',
      'get /readyz',
      'get /v1/brokers',
      'get /v1/brokers/events',
      'get /v1/revocations',
      'post /v1/agents',
      'post /v1/leases',
      'post /v1/leases/{id}/renew',
      'put /v1/brokers/{id}',
      'put /v1/edges/{id}',
    ]);

    const ajv = new Ajv2020({ strict: false });
    addFormats.default(ajv);
    let compiled = 0;
    for (const [path, methods] of Object.entries(api.paths)) {
      for (const found of Object.values(methods)) {
        if (found === undefined) continue;
        const declared = (found.parameters ?? [])
          .filter((parameter) => parameter.in === 'path')
          .map(({ name }) => `{${name}}`);
        expect(declared).toEqual(path.match(/\{\w+\}/g) ?? []);
        for (const scheme of (found.security ?? []).flatMap((one) => Object.keys(one))) {
          expect(Object.keys(api.components.securitySchemes)).toContain(scheme);
        }
        const holders = [found.requestBody, ...Object.values(found.responses)].flatMap((one) =>
          Object.values(one?.content ?? {}),
        );
        for (const { schema } of holders) {
          expect(schema).toBeDefined();
          ajv.compile(schema ?? {});
          compiled++;
        }
      }
    }
    expect(compiled).toBeGreaterThan(20);
  } finally {
    await server.close();
  }
});
