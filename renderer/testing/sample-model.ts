import type { Model } from '../../shared/contract/contract.ts';

type Node = Model['graph']['nodes'][number];

const GROUP = 'hub.traefik.io/v1alpha1';
const files: Record<string, string> = {
  'apis/checkout.yaml': `apiVersion: hub.traefik.io/v1alpha1
kind: API
metadata:
  name: checkout
  namespace: shop
spec:
  versions:
    - name: checkout-v1
    - name: checkout-v2
---
apiVersion: hub.traefik.io/v1alpha1
kind: APIVersion
metadata:
  name: checkout-v1
  namespace: shop
spec:
  release: 1.4.2
---
apiVersion: hub.traefik.io/v1alpha1
kind: APIVersion
metadata:
  name: checkout-v2
  namespace: shop
spec:
  # public from 1 December
  release: 2.0.0-rc.1
  openApiSpec:
    path: /openapi.json
    refreshInterval: 30s
    validateRequestMethodAndPath: true
`,
  'apis/routes.yaml': `apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata:
  name: checkout-v1
spec:
  routes:
    - match: Host(\`shop.example\`) && PathPrefix(\`/checkout/v1\`)
---
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata:
  name: checkout-v2
  annotations:
    hub.traefik.io/api-version: checkout-v2
spec:
  routes:
    - match: Host(\`shop.example\`) && PathPrefix(\`/checkout/v2\`)
`,
  'plans/partners.yaml': `apiVersion: hub.traefik.io/v1alpha1
kind: APIPlan
metadata:
  name: partner-plan
spec:
  rateLimit:
    limit: 100
    period: 1s
---
apiVersion: hub.traefik.io/v1alpha1
kind: ManagedSubscription
metadata:
  name: partners-checkout
---
apiVersion: hub.traefik.io/v1alpha1
kind: ManagedApplication
metadata:
  name: partners-eu
`,
  'adit.yaml': 'name: petstore\nnamespace: shop\n',
  'README.md': '# Shop APIs\n',
};
export const sampleFiles: Readonly<Record<string, string>> = files;

interface Entry {
  readonly role: Node['role'];
  readonly kind: string;
  readonly name: string;
  readonly detail: string;
  readonly state?: Model['objects'][number]['state'];
  readonly file?: string;
  readonly lines?: readonly [number, number];
  readonly problem?: 'error' | 'warning';
  readonly missing?: true;
}

const entries: readonly Entry[] = [
  {
    role: 'api',
    kind: 'API',
    name: 'checkout',
    detail: '2 versions',
    state: 'drifted',
    file: 'apis/checkout.yaml',
    lines: [1, 9],
  },
  {
    role: 'version',
    kind: 'APIVersion',
    name: 'checkout-v1',
    detail: '1.4.2',
    state: 'same',
    file: 'apis/checkout.yaml',
    lines: [11, 17],
  },
  {
    role: 'version',
    kind: 'APIVersion',
    name: 'checkout-v2',
    detail: '2.0.0-rc.1',
    state: 'broken',
    file: 'apis/checkout.yaml',
    lines: [19, 30],
    problem: 'error',
  },
  {
    role: 'route',
    kind: 'IngressRoute',
    name: 'checkout-v1',
    detail: 'shop.example/checkout/v1',
    state: 'same',
    file: 'apis/routes.yaml',
    lines: [1, 7],
  },
  {
    role: 'route',
    kind: 'IngressRoute',
    name: 'checkout-v2',
    detail: 'shop.example/checkout/v2',
    state: 'file',
    file: 'apis/routes.yaml',
    lines: [9, 17],
  },
  {
    role: 'service',
    kind: 'Service',
    name: 'checkout-svc',
    detail: 'port 8080',
    state: 'same',
    file: 'apis/routes.yaml',
    lines: [9, 17],
  },
  { role: 'service', kind: 'Service', name: 'refunds-svc', detail: '', missing: true },
  {
    role: 'plan',
    kind: 'APIPlan',
    name: 'partner-plan',
    detail: '100/s, 50k per day',
    state: 'drifted',
    file: 'plans/partners.yaml',
    lines: [1, 8],
    problem: 'warning',
  },
  {
    role: 'subscription',
    kind: 'ManagedSubscription',
    name: 'partners-checkout',
    detail: 'partners-eu to checkout',
    state: 'same',
    file: 'plans/partners.yaml',
    lines: [10, 13],
  },
  {
    role: 'application',
    kind: 'ManagedApplication',
    name: 'partners-eu',
    detail: '2 keys',
    state: 'same',
    file: 'plans/partners.yaml',
    lines: [15, 18],
  },
  { role: 'api', kind: 'API', name: 'legacy-orders', detail: '', state: 'cluster' },
];

const links: readonly [string, string, string, boolean?][] = [
  ['visitors', 'route/checkout-v1', ''],
  ['visitors', 'route/checkout-v2', ''],
  ['route/checkout-v1', 'version/checkout-v1', 'metadata.annotations'],
  ['route/checkout-v2', 'version/checkout-v2', 'metadata.annotations'],
  ['route/checkout-v1', 'service/checkout-svc', 'spec.routes[0].services[0]'],
  ['route/checkout-v2', 'service/checkout-svc', 'spec.routes[0].services[0]'],
  ['route/checkout-v2', 'service/refunds-svc', 'spec.routes[1].services[0]', true],
  ['api/checkout', 'version/checkout-v1', 'spec.versions[0]'],
  ['api/checkout', 'version/checkout-v2', 'spec.versions[1]'],
  ['subscription/partners-checkout', 'api/checkout', 'spec.apis[0]'],
  ['subscription/partners-checkout', 'plan/partner-plan', 'spec.apiPlan'],
  ['subscription/partners-checkout', 'application/partners-eu', 'spec.managedApplications[0]'],
];

export interface SampleShape {
  /** Put after every name, to see what long ones do. */
  readonly suffix?: string;
  readonly problems?: boolean;
  /** Copies of everything, to see what many do. */
  readonly copies?: number;
}

export function sampleModel({ suffix = '', problems = true, copies = 1 }: SampleShape = {}): Model {
  const nodes: Node[] = [
    { id: 'visitors', role: 'visitor', kind: 'visitors', title: 'visitors', detail: 'shop.example' },
  ];
  const objects: Model['objects'] = [];
  const edges: Model['graph']['edges'] = [];
  for (let copy = 0; copy < copies; copy += 1) {
    const tail = suffix + (copy === 0 ? '' : `-${copy}`);
    for (const { role, kind, name, detail, state, file, lines, problem, missing } of entries) {
      const ref = {
        apiVersion: kind === 'Service' ? 'v1' : kind === 'IngressRoute' ? 'traefik.io/v1alpha1' : GROUP,
        kind,
        namespace: 'shop',
        name: name + tail,
      };
      const place = file === undefined || lines === undefined ? {} : { file, line: lines[0] };
      const shown = problems ? problem : undefined;
      nodes.push({
        id: `${role}/${name}${tail}`,
        role,
        kind,
        title: name + tail,
        detail,
        ...(missing ? { missing } : { object: ref }),
        ...place,
        ...(shown ? { problem: shown } : {}),
      });
      if (state) {
        const settled = state === 'broken' && !problems ? 'file' : state;
        objects.push({
          id: `${ref.apiVersion}/${kind}/shop/${ref.name}`,
          ref,
          state: settled,
          ...place,
          ...(lines ? { endLine: lines[1] } : {}),
          ...(state === 'drifted' ? { drift: 2 } : {}),
        });
      }
    }
    for (const [from, to, field, broken] of links) {
      const end = (id: string): string => (id === 'visitors' ? id : id + tail);
      edges.push({ id: `${from}>${to}${tail}`, from: end(from), to: end(to), field, ...(broken ? { broken } : {}) });
    }
  }
  const version = objects.find(
    (object) => object.ref.kind === 'APIVersion' && object.ref.name.startsWith('checkout-v2'),
  );
  const plan = objects.find((object) => object.ref.kind === 'APIPlan');
  const diagnostics: Model['diagnostics'] = problems
    ? [
        {
          severity: 'error',
          code: 'cel',
          file: 'apis/checkout.yaml',
          line: 29,
          column: 22,
          endLine: 29,
          endColumn: 25,
          path: 'spec.openApiSpec.refreshInterval',
          message: 'spec.openApiSpec.refreshInterval: Invalid value: "30s": must be at least 1m',
          hint: 'Write 1m or more.',
          ...(version ? { object: version.ref } : {}),
        },
        {
          severity: 'error',
          code: 'reference-missing',
          file: 'apis/routes.yaml',
          line: 12,
          column: 3,
          endLine: 12,
          endColumn: 7,
          message: 'Service "refunds-svc" is not defined in namespace "shop"',
          hint: 'Define it, or correct the name.',
        },
        {
          severity: 'warning',
          code: 'not-enforced',
          file: 'plans/partners.yaml',
          line: 6,
          column: 3,
          endLine: 6,
          endColumn: 12,
          message: 'spec.quota is not enforced in a preview',
          ...(plan ? { object: plan.ref } : {}),
        },
      ]
    : [];
  return { revision: 1, objects, diagnostics, graph: { nodes, edges }, rendering: false };
}
