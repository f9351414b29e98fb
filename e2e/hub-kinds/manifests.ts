import { NAMESPACE } from '../conformance/objects.ts';

/** An object of the hub in the namespace of the suite; `spec` is YAML in flow style. */
export function hub(kind: string, name: string, spec: string): string {
  const place = kind === 'AccessControlPolicy' ? '' : `, namespace: ${NAMESPACE}`;
  return `---\napiVersion: hub.traefik.io/v1alpha1\nkind: ${kind}\nmetadata: { name: ${name}${place} }\nspec: ${spec}\n`;
}

export function secret(name: string, values: string): string {
  return `---\napiVersion: v1\nkind: Secret\nmetadata: { name: ${name}, namespace: ${NAMESPACE} }\nstringData: ${values}\n`;
}

/** An IngressRoute to `echo`; `annotations` without their group. */
export function route(
  name: string,
  match: string,
  annotations: Readonly<Record<string, string>> = {},
  more = '',
): string {
  const set = Object.entries(annotations).map(([key, value]) => `hub.traefik.io/${key}: "${value}"`);
  return `---
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: { name: ${name}, namespace: ${NAMESPACE}, annotations: { ${set.join(', ')} } }
spec:
  routes:
  - { kind: Rule, match: '${match}', services: [{ name: echo, port: \${PORT} }]${more} }
`;
}

/** API `shop` under `/shop`, a plan without limits, and application `app` with key `key-app`. */
export const SHOP = [
  hub('API', 'shop', '{ openApiSpec: { path: /openapi.json, operationSets: [{ name: read, matchers: [{ methods: [GET] }] }, { name: orders, matchers: [{ pathPrefix: /shop/orders }] }] } }'),
  route('shop', 'Host(`app.test`) && PathPrefix(`/shop`)', { api: 'shop' }),
  hub('APIPlan', 'free', '{ title: free }'),
  hub('ManagedApplication', 'app', '{ appId: app, owner: o, apiKeys: [{ value: key-app }, { value: key-away, suspended: true }] }'),
  hub('ManagedApplication', 'stranger', '{ appId: stranger, owner: o, apiKeys: [{ value: key-stranger }] }'),
].join(''); // prettier-ignore

export function subscription(name: string, more = ''): string {
  return hub(
    'ManagedSubscription',
    name,
    `{ apis: [{ name: shop }], managedApplications: [{ name: app }], apiPlan: { name: free }${more} }`,
  );
}
