import type { SourceFile } from '../../shared/manifests/types.ts';

export const KEY = 'sample-key';
export const NO_HOST = 'preview.test';
const HUB = 'hub.traefik.io/v1alpha1';

const object = (apiVersion: string, kind: string, name: string, rest: string, more = ''): string =>
  `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata:\n  name: ${name}\n  namespace: ns\n${more}${rest}`;
const service = object('v1', 'Service', 'web', 'spec:\n  ports:\n    - port: 80\n');
const route = (name: string, match: string, more = ''): string =>
  object('traefik.io/v1alpha1', 'IngressRoute', name, `spec:\n  routes:\n    - match: ${match}\n      kind: Rule\n      services:\n        - name: web\n          port: 80\n`, more); // prettier-ignore
const managed = '  annotations:\n    hub.traefik.io/api: pets\n';

function filesOf(documents: readonly string[]): SourceFile[] {
  return Array.from({ length: Math.ceil(documents.length / 500) }, (_, at) => ({
    path: `${at}.yaml`,
    text: documents.slice(at * 500, (at + 1) * 500).join('---\n'),
  }));
}

/** Configurations that gateways are measured with, by name. */
export const configurations: Readonly<Record<string, () => SourceFile[]>> = {
  bare: () => filesOf([service, route('all', 'PathPrefix(`/`)')]),
  'key and plan': () =>
    filesOf([
      service,
      route('all', 'PathPrefix(`/`)', managed),
      object(HUB, 'API', 'pets', 'spec: {}\n'),
      object(HUB, 'APIAuth', 'auth', 'spec:\n  isDefault: true\n  apiKey: {}\n'),
      object(HUB, 'APIPlan', 'plan', 'spec:\n  title: t\n  rateLimit:\n    limit: 1000000\n    period: 1s\n  quota:\n    limit: 1000000000\n    period: 24h\n'),
      object(HUB, 'ManagedApplication', 'app', `spec:\n  appId: app\n  owner: o\n  apiKeys:\n    - value: ${KEY}\n`),
      object(HUB, 'ManagedSubscription', 'sub', 'spec:\n  apis:\n    - name: pets\n  managedApplications:\n    - name: app\n  apiPlan:\n    name: plan\n'),
    ]),
  '10 routes': () => filesOf([service, ...routes(10)]),
  '10000 routes': () => filesOf([service, ...routes(10_000)]),
}; // prettier-ignore

function routes(count: number): string[] {
  return Array.from({ length: count }, (_, at) => route(`r${at}`, hostRule(at)));
}

export function hostRule(at: number): string {
  return `Host(\`h${at}.test\`)`;
}

/** A workspace of many files, as a company has it: a route, an API, a plan or a subscription in each. */
export function manyFiles(count: number): SourceFile[] {
  const sets = Math.ceil(count / 5);
  const files = Array.from({ length: sets }, (_, at) => [
    { path: `s${at}/service.yaml`, text: service.replace('name: web', `name: web${at}`) },
    {
      path: `s${at}/route.yaml`,
      text: route(
        `r${at}`,
        `Host(\`h${at}.test\`) && PathPrefix(\`/v1\`)`,
        managed.replace('pets', `pets${at}`),
      ).replace('- name: web', `- name: web${at}`),
    },
    {
      path: `s${at}/api.yaml`,
      text: object(
        HUB,
        'API',
        `pets${at}`,
        'spec:\n  openApiSpec:\n    path: /openapi.json\n    operationSets:\n      - name: read\n        matchers:\n          - methods: [GET]\n            pathPrefix: /pets\n',
      ),
    },
    {
      path: `s${at}/plan.yaml`,
      text: object(HUB, 'APIPlan', `plan${at}`, 'spec:\n  title: t\n  rateLimit:\n    limit: 5\n    period: 1m\n'),
    },
    {
      path: `s${at}/subscription.yaml`,
      text: object(
        HUB,
        'ManagedSubscription',
        `sub${at}`,
        `spec:\n  apis:\n    - name: pets${at}\n  managedApplicationSelector: {}\n  apiPlan:\n    name: plan${at}\n`,
      ),
    },
  ]).flat();
  return files.slice(0, count);
}
