import type { GatewayConfig } from '../../../../shared/gateway/config.ts';
import type { OpenApiConfig } from '../../../../shared/gateway/open-api.ts';
import { managed, ref } from '../../testing/config.ts';

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
export const petstore = {
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

/** By route, which service has the document. */
export const SERVICES = { 'IngressRoute/shop/pets#0': 'shop-web-80' };

/** API `shop/pets` as it is checked against a document; `web-app` may make a hundred calls of any kind. */
export function checked(from: OpenApiConfig['from'], more: Partial<OpenApiConfig> = {}): GatewayConfig {
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
  const openApi = { source: ref('API', 'pets'), from, methodAndPath: true, body: true, operations: false, ...more };
  return {
    ...config,
    subscriptions: { 'shop/readers': { ...readers, operations: undefined } },
    openApis: { 'API shop/pets': openApi },
  };
}

export const key = { Authorization: 'Bearer key-good' };
