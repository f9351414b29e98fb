import type { HubAsk, HubCase } from './rig.ts';
import { NAMESPACE } from '../conformance/objects.ts';

/** An object of the hub in the namespace of the suite; `spec` is YAML in flow style. */
export function hub(kind: string, name: string, spec: string, namespace = NAMESPACE, labels = '{}'): string {
  const place = kind === 'AccessControlPolicy' ? '' : `, namespace: ${namespace}, labels: ${labels}`;
  return `---\napiVersion: hub.traefik.io/v1alpha1\nkind: ${kind}\nmetadata: { name: ${name}${place} }\nspec: ${spec}\n`;
}

export function secret(name: string, values: string): string {
  return `---\napiVersion: v1\nkind: Secret\nmetadata: { name: ${name}, namespace: ${NAMESPACE} }\nstringData: ${values}\n`;
}

export function service(name: string): string {
  return `---\napiVersion: v1\nkind: Service\nmetadata: { name: ${name}, namespace: ${NAMESPACE} }\nspec: { clusterIP: 127.1.0.11, ports: [{ name: web, port: \${PORT} }] }\n`;
}

export function bearer(key: string): [string, string] {
  return ['Authorization', `Bearer ${key}`];
}

/** An IngressRoute to a Service; `annotations` without their group, `more` after the services of its route. */
export function route(
  name: string,
  match: string,
  annotations: Readonly<Record<string, string>> = {},
  more = '',
  to = 'echo',
): string {
  const set = Object.entries(annotations).map(([key, value]) => `hub.traefik.io/${key}: "${value}"`);
  return `---
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: { name: ${name}, namespace: ${NAMESPACE}, annotations: { ${set.join(', ')} } }
spec:
  routes:
  - { kind: Rule, match: '${match}', services: [{ name: ${to}, port: \${PORT} }]${more.startsWith('\n') ? ` }${more}` : `${more} }`}
`;
}

const CALLERS = [
  hub('APIPlan', 'free', '{ title: free }'),
  hub('ManagedApplication', 'app', '{ appId: app, owner: o, apiKeys: [{ value: key-app }, { value: key-away, suspended: true }] }'),
  hub('ManagedApplication', 'stranger', '{ appId: stranger, owner: o, apiKeys: [{ value: key-stranger }] }'),
].join(''); // prettier-ignore

/** API `shop` as its fields say, under `/shop`, with plan and applications as in `SHOP`. */
export function managedShop(fields: string, annotations: Readonly<Record<string, string>> = { api: 'shop' }): string {
  const routes = route('shop', 'Host(`app.test`) && PathPrefix(`/shop`)', annotations);
  return hub('API', 'shop', `{ ${fields} }`) + routes + CALLERS;
}

/** API `shop` under `/shop`, a plan without limits, and application `app` with key `key-app`. */
export const SHOP = managedShop(
  'openApiSpec: { path: /openapi.json, operationSets: [{ name: read, matchers: [{ methods: [GET] }] }, { name: orders, matchers: [{ pathPrefix: /shop/orders }] }] }',
);

export function subscription(name: string, more = ''): string {
  return hub(
    'ManagedSubscription',
    name,
    `{ apis: [{ name: shop }], managedApplications: [{ name: app }], apiPlan: { name: free }${more} }`,
  );
}

/** An object that was never right: as in a cluster it is not there, and a route that needs it is not open. */
export function refusedByServer(
  part: HubCase['part'],
  what: string,
  manifests: string,
  more: readonly HubAsk[] = [],
): HubCase {
  const closed: HubAsk = { target: '/shop', headers: [bearer('key-app')], status: 404, manifests };
  return { part, says: `${what} is refused, and leaves no route open`, manifests: CALLERS, asks: [closed, ...more] };
}
