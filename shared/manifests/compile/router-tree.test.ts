import { describe, expect, it } from 'vitest';
import { analyze, type Analysis } from '../analyze.ts';

const SERVICE = `apiVersion: v1
kind: Service
metadata: { name: web }
spec: { ports: [{ port: 80 }] }
`;
const SERVICES = 'services: [{ name: web, port: 80 }]';

function object(name: string, spec: string, annotations = '{}'): string {
  return `---\napiVersion: traefik.io/v1alpha1\nkind: IngressRoute\nmetadata: { name: ${name}, annotations: ${annotations} }\nspec: ${spec}\n`;
}

function run(...documents: string[]): Analysis {
  return analyze([{ path: 'a.yaml', text: SERVICE + documents.join('') }], { namespace: 'ns' });
}

const order = ({ config }: Analysis): string[] =>
  config.routes.map(
    ({ id, backends }) => `${id.replaceAll('IngressRoute/ns/', '')} ${backends[0]?.status ?? 'served'}`,
  );
const said = ({ diagnostics }: Analysis): string[] =>
  diagnostics.map(({ severity, code, object: of, path }) => `${severity} ${code} ${of?.name} ${path}`);

describe('routes below others', () => {
  const parent = object('p', '{ routes: [{ match: PathPrefix(`/p`) }] }');
  const child = (name: string, match: string, more = ''): string =>
    object(name, `{ parentRefs: [{ name: p }], routes: [{ match: "${match}", ${SERVICES}${more} }] }`);

  it('stand where their parent does, the best first, and then nothing', () => {
    const analysis = run(
      parent,
      child('short', 'Path(`/p/x`)'),
      child('long', 'Path(`/p/x`) && Method(`GET`)'),
      object('q', `{ routes: [{ match: PathPrefix(\`/p/elsewhere\`), ${SERVICES} }, { match: "Path(\`/\`)", ${SERVICES} }] }`),
    ); // prettier-ignore
    expect(said(analysis)).toEqual([]);
    expect(order(analysis)).toEqual(['q#0 served', 'p#0>long#0 served', 'p#0>short#0 served', 'p#0>none 404', 'q#1 served']);
    expect(analysis.config.routes[1]?.match).toMatchObject({ kind: 'all', of: [{ kind: 'path-prefix' }, { kind: 'all' }] });
  }); // prettier-ignore

  it('have the middlewares of those above first', () => {
    const middleware = (name: string): string =>
      `---\napiVersion: traefik.io/v1alpha1\nkind: Middleware\nmetadata: { name: ${name} }\nspec: { stripPrefix: { prefixes: [/${name}] } }\n`;
    const analysis = run(
      middleware('a'),
      middleware('b'),
      object('p', '{ routes: [{ match: PathPrefix(`/p`), middlewares: [{ name: a }] }] }'),
      child('c', 'Path(`/p/x`)', ', middlewares: [{ name: b }]'),
    );
    expect(analysis.config.routes[0]?.middlewares).toMatchObject([{ prefixes: ['/a'] }, { prefixes: ['/b'] }]);
    expect(said(analysis)).toEqual(['warning not-enforced c spec.parentRefs']);
  });

  it('may stand below several, and several layers down', () => {
    const analysis = run(
      object('p', '{ routes: [{ match: PathPrefix(`/p`) }, { match: PathPrefix(`/q`) }] }'),
      object('m', '{ parentRefs: [{ name: p }], routes: [{ match: Method(`GET`) }] }'),
      object('c', `{ parentRefs: [{ name: m }], routes: [{ match: PathPrefix(\`/\`), ${SERVICES} }] }`),
    );
    expect(order(analysis)).toEqual([
      'p#0>m#0>c#0 served', 'p#0>m#0>none 404', 'p#0>none 404', 'p#1>m#0>c#0 served', 'p#1>m#0>none 404', 'p#1>none 404',
    ]); // prettier-ignore
  });

  it.each([
    ['a parent that is missing', [child('c', 'Path(`/`)')], 'error reference-missing c spec.parentRefs[0].name'],
    ['entry points of their own', [parent, object('c', `{ entryPoints: [web], parentRefs: [{ name: p }], routes: [{ match: Path(\`/\`), ${SERVICES} }] }`)], 'warning route-invalid c spec.entryPoints'],
    ['a parent with services', [object('p', `{ routes: [{ match: Path(\`/\`), ${SERVICES} }] }`), child('c', 'Path(`/`)')], 'warning route-invalid p spec.routes[0].services'],
    ['a circle', [object('a', `{ parentRefs: [{ name: b }], routes: [{ match: Path(\`/\`) }] }`), object('b', `{ parentRefs: [{ name: a }], routes: [{ match: Path(\`/\`) }] }`)], 'warning route-invalid a spec.parentRefs'],
  ])('are not served with %s', (_, documents, expected) => {
    const analysis = run(...documents);
    expect(order(analysis)).toEqual([]);
    expect(said(analysis)).toContain(expected);
  }); // prettier-ignore
});

describe('an IngressRoute', () => {
  it('serves the last of its routes with the same rule', () => {
    const rule = `match: Path(\`/\`), ${SERVICES}`;
    const analysis = run(object('r', `{ routes: [{ ${rule} }, { ${rule}, priority: 7 }] }`));
    expect(order(analysis)).toEqual(['r#1 served']);
    expect(said(analysis)).toEqual(['warning route-invalid r spec.routes[0].match']);
  });

  it('reads rules of v2 where they are told to be', () => {
    const analysis = run(object('r', `{ routes: [{ match: "Path(\`/a\`, \`/{id}\`)", syntax: v2, ${SERVICES} }] }`));
    expect(analysis.config.routes[0]).toMatchObject({
      priority: 19,
      match: { kind: 'any', of: [{ kind: 'path', path: '/a' }, { kind: 'path-regexp', pattern: '^/([^/]+)$' }] },
    }); // prettier-ignore
  });

  it.each([
    ['{ kubernetes.io/ingress.class: traefik }', 1],
    ['{ kubernetes.io/ingress.class: nginx }', 0],
  ])('of class %s is served or not', (annotations, count) => {
    const analysis = run(object('r', `{ routes: [{ match: Path(\`/\`), ${SERVICES} }] }`, annotations));
    expect(analysis.config.routes).toHaveLength(count);
    expect(said(analysis)).toHaveLength(1 - count);
  });
});
