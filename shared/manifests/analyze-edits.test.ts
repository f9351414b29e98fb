import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { analyze, type Analysis } from './analyze.ts';
import { TRAEFIK_DEFAULTS, type TraefikOptions } from './traefik-options.ts';
import type { SourceFile } from './types.ts';

const EXAMPLES = join(import.meta.dirname, '../../examples');

/** Kinds that the examples do without, and references of every sort among them. */
const MORE = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: front, namespace: catalog }
spec:
  gatewayClassName: traefik
  listeners: [{ name: web, protocol: HTTP, port: 80, allowedRoutes: { namespaces: { from: All } } }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: books, namespace: payments, annotations: { hub.traefik.io/api: books } }
spec:
  parentRefs: [{ name: front, namespace: catalog }]
  rules:
    - matches: [{ path: { type: PathPrefix, value: /books } }]
      filters: [{ type: ExtensionRef, extensionRef: { group: traefik.io, kind: Middleware, name: limit } }]
      backendRefs: [{ name: web, namespace: catalog, port: 80 }]
---
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: { name: web, namespace: catalog }
spec:
  from: [{ group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: payments }]
  to: [{ group: '', kind: Service, name: web }]
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: catalog }
spec: { ports: [{ name: http, port: 80 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: web-1, namespace: catalog, labels: { kubernetes.io/service-name: web } }
addressType: IPv4
ports: [{ name: http, port: 8080 }]
endpoints: [{ addresses: [10.0.0.1] }]
---
apiVersion: traefik.io/v1alpha1
kind: Middleware
metadata: { name: limit, namespace: payments }
spec: { chain: { middlewares: [{ name: strip }] } }
---
apiVersion: traefik.io/v1alpha1
kind: Middleware
metadata: { name: strip, namespace: payments }
spec: { stripPrefix: { prefixes: [/books] } }
---
apiVersion: traefik.io/v1alpha1
kind: TraefikService
metadata: { name: both, namespace: catalog }
spec: { weighted: { services: [{ name: web, port: 80, weight: 3 }, { name: front, kind: TraefikService }] } }
---
apiVersion: traefik.io/v1alpha1
kind: TraefikService
metadata: { name: front, namespace: catalog }
spec: { mirroring: { name: web, port: 80, serversTransport: secure, mirrors: [{ name: web, port: 80, percent: 10 }] } }
---
apiVersion: traefik.io/v1alpha1
kind: ServersTransport
metadata: { name: secure, namespace: catalog }
spec: { rootCAsSecrets: [ca], insecureSkipVerify: true }
---
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: { name: above, namespace: catalog }
spec: { routes: [{ kind: Rule, match: Host(\`shop.test\`) }] }
---
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: { name: below, namespace: catalog, annotations: { hub.traefik.io/router.uplinks: catalog-up } }
spec:
  parentRefs: [{ name: above }]
  routes: [{ kind: Rule, match: PathPrefix(\`/x\`), services: [{ name: both, kind: TraefikService }] }]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: old
  namespace: payments
  annotations: { traefik.ingress.kubernetes.io/router.middlewares: payments-strip@kubernetescrd }
spec:
  rules: [{ host: old.test, http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: web, port: { number: 80 } } } }] } }]
---
apiVersion: hub.traefik.io/v1alpha1
kind: API
metadata: { name: books, namespace: payments, labels: { team: a } }
spec:
  versions: [{ name: v1 }]
  openApiSpec: { path: /openapi.json, validateRequestMethodAndPath: true, operationSets: [{ name: read, matchers: [{ methods: [GET] }] }] }
---
apiVersion: hub.traefik.io/v1alpha1
kind: APIVersion
metadata: { name: v1, namespace: payments }
spec: { release: v1.0.0, cors: { allowOriginsList: ['*'] } }
---
apiVersion: hub.traefik.io/v1alpha1
kind: ManagedSubscription
metadata: { name: all, namespace: payments }
spec: { apiSelector: { matchLabels: { team: a } }, managedApplicationSelector: {}, apiPlan: { name: small }, operationFilter: { include: [read] } }
---
apiVersion: hub.traefik.io/v1alpha1
kind: APIPlan
metadata: { name: small, namespace: payments }
spec: { title: Small, quota: { limit: 5, period: 1h } }
`;

const FILES: readonly SourceFile[] = [
  ...globSync('**/*.yaml', { cwd: EXAMPLES })
    .toSorted()
    .map((path) => ({ path, text: readFileSync(join(EXAMPLES, path), 'utf8') })),
  ...MORE.split('---\n').map((text, at) => ({ path: `more/${at}.yaml`, text })),
];
const NAMES = [
  ...new Set(FILES.flatMap(({ text }) => [...text.matchAll(/name: ([\w-]+)/g)].map(([, name]) => name ?? ''))),
];

interface Edit {
  readonly file: number;
  readonly kind: 'drop' | 'restore' | 'name' | 'word' | 'cut' | 'copy' | 'move' | 'comment';
  readonly at: number;
  readonly name: string;
  /** Options of Traefik by then. */
  readonly traefik: TraefikOptions;
}

const edit: fc.Arbitrary<Edit> = fc.record({
  file: fc.nat(FILES.length - 1),
  kind: fc.constantFrom('drop', 'restore', 'restore', 'name', 'name', 'word', 'cut', 'copy', 'move', 'comment'),
  at: fc.nat(10_000),
  name: fc.constantFrom(...NAMES),
  traefik: fc.record({ allowCrossNamespace: fc.boolean(), strictPrefixMatching: fc.boolean() }),
});

/** The files after an edit; what was there at first comes back by `restore`. */
function edited(files: readonly SourceFile[], { file, kind, at, name }: Edit): readonly SourceFile[] {
  const first = FILES[file];
  if (first === undefined) return files;
  const place = files.findIndex(({ path }) => path === first.path);
  const now = files[place];
  if (now === undefined) return kind === 'restore' ? [...files, first] : files;
  const { path, text } = now;
  const write = (changed: string): readonly SourceFile[] => files.with(place, { path, text: changed });
  const nth = (pattern: RegExp, put: (found: string) => string): string => {
    const found = [...text.matchAll(pattern)];
    const one = found[at % Math.max(1, found.length)];
    return one === undefined ? text : text.slice(0, one.index) + put(one[0]) + text.slice(one.index + one[0].length);
  };
  switch (kind) {
    case 'drop':
      return files.toSpliced(place, 1);
    case 'restore':
      return write(first.text);
    case 'name':
      return write(nth(/name: [\w-]+/g, () => `name: ${name}`));
    case 'word':
      return write(nth(/: [\w-]+/g, () => ': 5'));
    case 'cut':
      return write(nth(/^.*\n/gm, () => ''));
    case 'copy':
      return write(`${text}---\n${FILES[at % FILES.length]?.text ?? ''}`);
    case 'move':
      return files.toSpliced(place, 1).toSpliced(at % files.length, 0, now);
    case 'comment':
      return write(`# ${name}\n${text}`);
  }
}

/** All that is told of files, as text. */
function told({ documents, diagnostics, graph, config, errors }: Analysis): string {
  const of = documents.map(({ id, file, index, range, value }) => ({ id, file, index, range, value }));
  return JSON.stringify({ of, diagnostics, graph, config, errors }, undefined, 1);
}

test('after any edits the analysis is what a fresh one of the same files is', () => {
  let changes = 0;
  let differing = 0;
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 8 }), (edits) => {
      let files: readonly SourceFile[] = FILES;
      let analysis = analyze(files, { namespace: 'catalog' });
      let before = told(analysis);
      for (const one of edits) {
        files = edited(files, one);
        const options = { namespace: 'catalog', traefik: one.traefik };
        analysis = analyze(files, { ...options, previous: analysis });
        const after = told(analysis);
        expect(after).toBe(told(analyze(files, options)));
        changes += 1;
        if (after !== before) differing += 1;
        before = after;
      }
    }),
    { numRuns: 60 },
  );
  expect(differing).toBeGreaterThan(changes / 3);
});

test('what follows from other files follows them: a target that comes, goes and changes', () => {
  const route = FILES.findIndex(({ text }) =>
    text.startsWith('apiVersion: v1\nkind: Service\nmetadata: { name: web, namespace: catalog }'),
  );
  expect(route).toBeGreaterThan(0);
  const steps: Edit['kind'][] = ['drop', 'restore', 'word', 'restore', 'copy', 'restore', 'drop'];
  let files: readonly SourceFile[] = FILES;
  let analysis = analyze(files, { namespace: 'catalog' });
  for (const kind of steps) {
    files = edited(files, { file: route, kind, at: 3, name: 'web', traefik: TRAEFIK_DEFAULTS });
    analysis = analyze(files, { namespace: 'catalog', previous: analysis });
    expect(told(analysis)).toBe(told(analyze(files, { namespace: 'catalog' })));
  }
});
