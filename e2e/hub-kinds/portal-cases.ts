import { NAMESPACE } from '../conformance/objects.ts';
import type { HubCase } from './rig.ts';
import { bearer, hub, refusedByServer, route, SHOP, subscription } from './manifests.ts';

const KEY = [bearer('key-app')];
const PORTAL = hub('APIPortal', 'portal', '{ title: Shop, trustedUrls: ["https://api.test"] }', 'web');

/** An Ingress to the portal of the gateway. */
function portalIngress(portal: string): string {
  return `---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: portal, namespace: ${NAMESPACE}, annotations: { hub.traefik.io/api-portal: "${portal}" } }
spec: { rules: [{ host: api.test, http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: apiportal, port: { number: 9903 } } } }] } }] }
`;
}

/** What the portal and the graph show, and no caller may notice. */
export const portalCases: readonly HubCase[] = [
  {
    part: '2.1',
    says: 'api-portal names a portal of any namespace as NAME@NAMESPACE; a preview has none, and nothing else answers there',
    manifests: SHOP + subscription('s') + PORTAL + portalIngress('portal@web'),
    told: [],
    asks: [
      { host: 'api.test', target: '/', status: 404 },
      { target: '/shop', headers: KEY, status: 200 },
    ],
  },
  {
    part: '2.1',
    says: 'api-portal without a namespace means that of the Ingress, and a portal that is not there is told of',
    manifests: SHOP + subscription('s') + PORTAL + portalIngress('portal'),
    told: ['reference-missing metadata.annotations[hub.traefik.io/api-portal]'],
    asks: [{ target: '/shop', headers: KEY, status: 200 }],
  },
  {
    part: '2.1',
    says: 'router.uplinks advertises a route to a parent cluster, and changes no answer here',
    manifests:
      hub('Uplink', 'up', '{ weight: 1 }') +
      route('up', 'Host(`app.test`) && PathPrefix(`/shop`)', { 'router.uplinks': `${NAMESPACE}-up` }),
    told: [],
    asks: [{ target: '/shop', status: 200 }],
  },
  {
    part: '2.1',
    says: 'router.uplinks takes the exposeName too, and one that is not there is told of',
    manifests:
      hub('Uplink', 'up', '{ exposeName: shop.everywhere }') +
      route('up', 'Host(`app.test`) && PathPrefix(`/shop`)', { 'router.uplinks': 'shop.everywhere, gone' }),
    told: ['reference-missing metadata.annotations[hub.traefik.io/router.uplinks]'],
    asks: [{ target: '/shop', status: 200 }],
  },
  {
    part: '2.3',
    says: 'the order of versions, by which the portal groups them, changes no route',
    manifests: grouped('one', 'two'),
    asks: [
      { target: '/v1', headers: KEY, status: 200 },
      { target: '/v2', headers: KEY, status: 200 },
      { target: '/v1', headers: KEY, status: 200, manifests: grouped('two', 'one') },
      { target: '/v2', headers: KEY, status: 200 },
    ],
  },
  {
    part: '2.3',
    says: 'pages, catalog and bundles that group APIs for the portal give no access',
    manifests:
      SHOP +
      PORTAL +
      hub('APIBundle', 'all', '{ apiSelector: {} }') +
      hub('APICatalogItem', 'seen', '{ everyone: true, apiBundles: [{ name: all }], apiPlan: { name: free } }') +
      hub('ContentItem', 'page', '{ title: Page, order: 1, content: "# Hello", parentRef: { kind: APIBundle, name: all } }'),
    asks: [
      { target: '/shop', status: 401 },
      { target: '/shop', headers: KEY, status: 403 },
    ],
  },
  {
    part: '2.2',
    says: 'pathPrefix of an API, as before 2024-03, makes no route any more',
    manifests: SHOP.replace('spec: { openApiSpec', 'spec: { pathPrefix: /v0, openApiSpec') + subscription('s'),
    asks: [
      { target: '/v0/shop', headers: KEY, status: 404 },
      { target: '/shop', headers: KEY, status: 200, received: { ':target': '/shop' } },
      { target: '/shop', status: 401 },
    ],
  },
  refusedByServer('2.3', 'an empty list of versions', SHOP.replace('spec: { openApiSpec', 'spec: { versions: [], openApiSpec') + subscription('s')),
]; // prettier-ignore

function grouped(...names: readonly string[]): string {
  return (
    SHOP.replace('spec: { openApiSpec', `spec: { versions: [${names.map((name) => `{ name: ${name} }`).join(', ')}], openApiSpec`) +
    hub('APIVersion', 'one', '{ release: 1.0.0 }') +
    hub('APIVersion', 'two', '{ release: 2.0.0 }') +
    route('one', 'Host(`app.test`) && PathPrefix(`/v1`)', { 'api-version': 'one' }) +
    route('two', 'Host(`app.test`) && PathPrefix(`/v2`)', { 'api-version': 'two' }) +
    subscription('s')
  );
} // prettier-ignore
