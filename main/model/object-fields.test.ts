import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { analyze } from '../../shared/manifests/index.ts';
import { objectFields } from './object-fields.ts';

const manifests = join(import.meta.dirname, '../../examples/petstore/manifests');
const { documents } = analyze(
  readdirSync(manifests).map((path) => ({ path, text: readFileSync(join(manifests, path), 'utf8') })),
  { namespace: 'petstore' },
);

function fieldsOf(kind: string, name: string): Record<string, string> {
  const document = documents.find(({ ref }) => ref.kind === kind && ref.name === name);
  if (document === undefined) throw new Error(`the sample has no ${kind} ${name}`);
  return Object.fromEntries(objectFields(document).map(({ label, value }) => [label, value]));
}

test('says what matters of each kind', () => {
  expect(fieldsOf('IngressRoute', 'pets')).toMatchObject({
    'Match 2': 'PathPrefix(`/v1`)',
    'Goes to 2': 'pets:http',
    'Middlewares 2': 'strip-v1, mark',
    API: 'petstore',
  });
  expect(fieldsOf('Ingress', 'orders')).toEqual({ Paths: '/orders → orders:80', API: 'petstore' });
  expect(fieldsOf('APIPlan', 'partner')).toEqual({
    Title: 'Partner',
    'Rate limit': '500 per 1s',
    Quota: '1000000 per 24h',
  });
  expect(fieldsOf('APIAuth', 'keys')).toEqual({ 'Callers prove': 'API key', Default: 'of the namespace' });
  expect(fieldsOf('ManagedSubscription', 'partner')).toEqual({
    Plan: 'partner',
    APIs: 'with area=store',
    Applications: 'partner',
  });
  expect(fieldsOf('ManagedApplication', 'web-shop')).toMatchObject({ 'API keys': 'sample, in Secret web-shop-key' });
  expect(fieldsOf('API', 'petstore')).toMatchObject({ Operations: 'read: GET /', Labels: 'area=store' });
  expect(fieldsOf('Middleware', 'strip-v1')).toEqual({ Does: 'stripPrefix', prefixes: '/v1' });
  expect(fieldsOf('Service', 'pets')).toEqual({ Ports: 'http 80 → 8080', Pods: 'app=pets' });
});

test('names the keys of a Secret and never their values', () => {
  expect(fieldsOf('Secret', 'partner-key')).toEqual({ Keys: 'key' });
});

test('keeps its bounds whatever is written', () => {
  const routes = Array.from({ length: 200 }, (_, at) => `    - match: PathPrefix(\`/${'x'.repeat(500)}${at}\`)\n`).join(
    '',
  );
  const text = `apiVersion: traefik.io/v1alpha1\nkind: IngressRoute\nmetadata:\n  name: wide\nspec:\n  routes:\n${routes}`;
  const [document] = analyze([{ path: 'wide.yaml', text }], { namespace: 'default' }).documents;
  expect(document).toBeDefined();
  const made = document === undefined ? [] : objectFields(document);
  expect(made).toHaveLength(12);
  for (const { value } of made) expect(value.length).toBeLessThanOrEqual(160);
});
