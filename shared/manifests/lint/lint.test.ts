import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { analyze } from '../analyze.ts';
import { dot, mermaid } from '../graph/graph-text.ts';
import { githubAnnotation } from './github-annotation.ts';
import { lint, unknownRules, type LintSettings } from './lint.ts';
import { covers } from './matcher-covers.ts';
import { lintRules } from './rules.ts';
import { sarif } from './sarif.ts';

const HUB = 'hub.traefik.io/v1alpha1';
const TRAEFIK = 'traefik.io/v1alpha1';

function object(apiVersion: string, kind: string, name: string, rest: string, more = ''): string {
  return `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: { name: ${name}, namespace: shop${more} }\n${rest}\n`;
}

function found(documents: readonly string[], settings: LintSettings = {}): string[] {
  const analysis = analyze([{ path: 'a.yaml', text: documents.join('---\n') }], { namespace: 'shop' });
  return lint(analysis, settings).map(
    ({ severity, code, object: of, path }) => `${severity} ${code} ${of?.name} ${path}`,
  );
}

const service = object('v1', 'Service', 'pets', 'spec: { ports: [{ port: 80 }] }');
const api = (name = 'pets', spec = '{}'): string => object(HUB, 'API', name, `spec: ${spec}`);
const app = (name: string): string => object(HUB, 'ManagedApplication', name, `spec: { appId: ${name}, owner: o }`);
const plan = (name: string, spec = 'rateLimit: { limit: 1, period: 1s }'): string =>
  object(HUB, 'APIPlan', name, `spec: { title: t, ${spec} }`);
const subscription = (name: string, planName: string, more = ''): string =>
  object(HUB, 'ManagedSubscription', name, `spec: { apis: [{ name: pets }], managedApplications: [{ name: app }], apiPlan: { name: ${planName} }${more} }`); // prettier-ignore
const route = (name: string, match: string, more = '', annotations = ', annotations: { hub.traefik.io/api: pets }'): string =>
  object(TRAEFIK, 'IngressRoute', name, `spec: { routes: [{ match: "${match}", services: [{ name: pets, port: 80 }]${more} }] }`, annotations); // prettier-ignore
/** Everything that a clean workspace needs, so that a test finds what it is about and nothing else. */
const clean = [service, api(), app('app'), plan('p'), subscription('s', 'p'), route('r', 'PathPrefix(`/`)')];

describe('a clean workspace', () => {
  it('has no findings', () => {
    expect(found(clean)).toEqual([]);
  });

  it('is what the sample is, but for notes', () => {
    const folder = new URL('../../../examples/petstore/manifests/', import.meta.url);
    const files = readdirSync(folder).map((path) => ({ path, text: readFileSync(new URL(path, folder), 'utf8') }));
    const all = lint(analyze(files, { namespace: 'petstore' }));
    expect(all.filter(({ severity }) => severity !== 'info')).toEqual([]);
  });
});

describe('rules find', () => {
  const without = (part: string): string[] => clean.filter((document) => document !== part);
  const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ['childless', [...clean, object(HUB, 'APIBundle', 'b', 'spec: {}')], ['warning childless b spec', 'info orphan b metadata.name']],
    ['childless', [...without(clean[4] ?? ''), object(HUB, 'ManagedSubscription', 's', 'spec: { apiPlan: { name: p }, managedApplications: [{ name: app }] }')], ['warning childless s spec']],
    ['duplicate', [...clean, plan('p')], ['error duplicate p metadata.name']],
    ['operation-set', [...clean, subscription('t', 'p', ', operationFilter: { include: [none] }')], ['warning operation-set t spec.operationFilter.include[0]']],
    ['operation-set', [...without(clean[1] ?? ''), api('pets', '{ openApiSpec: { path: /o, operationSets: [{ name: read, matchers: [{ path: /a }] }] } }')], ['info operation-set pets spec.openApiSpec.operationSets[0].name']],
    ['orphan', [...clean, plan('q'), object(TRAEFIK, 'Middleware', 'm', 'spec: { stripPrefix: { prefixes: [/a] } }')], ['info orphan q metadata.name', 'info orphan m metadata.name']],
    ['reference', [...clean, subscription('t', 'none')], ['error reference t spec.apiPlan.name', 'warning subscription-overlap t spec.weight']],
    ['regex', [...without(clean[5] ?? ''), route('r', 'PathRegexp(`(?=x)`)')], ['error regex r spec.routes[0].match']],
    ['release', [...without(clean[1] ?? ''), api('pets', '{ versions: [{ name: a }, { name: b }] }'), ...['a', 'b'].map((name) => object(HUB, 'APIVersion', name, 'spec: { release: v1.0.0 }').replace('v1.0.0', name === 'a' ? '1.0.0' : 'v1.0.0'))], ['error release pets spec.versions[1].name']],
    ['release', [...without(clean[1] ?? ''), api('pets', '{ versions: [{ name: a }] }'), object(HUB, 'APIVersion', 'a', 'spec: { release: one }')], ['error release a spec.release']],
    ['resource', [...without(clean[1] ?? ''), api('pets', '{ titel: x }')], ['error resource pets spec.titel']],
    ['selector', [...clean, subscription('t', 'p', ', apiSelector: { matchLabels: { a: b } }')], ['warning selector t spec.apiSelector']],
    ['open-api', [...clean, object(HUB, 'APIAuth', 'a', 'spec: { isDefault: true, keyless: {} }')], ['warning open-api r metadata.annotations[hub.traefik.io/api]']],
    ['plan-limit', [...without(clean[3] ?? ''), plan('p', 'description: d')], ['warning plan-limit p spec']],
    ['cors-credentials', [...without(clean[1] ?? ''), api('pets', '{ cors: { allowOriginsList: ["*"], allowCredentials: true } }')], ['error cors-credentials pets spec.cors.allowOriginsList']],
    ['clear-secret', [...without(clean[2] ?? ''), object(HUB, 'ManagedApplication', 'app', 'spec: { appId: app, owner: o, apiKeys: [{ value: x }] }')], ['warning clear-secret app spec.apiKeys[0].value']],
    ['shadowed-route', [...clean, route('z', 'PathPrefix(`/v1`)', ', priority: 1')], ['warning shadowed-route z spec.routes[0].match']],
    ['subscription-overlap', [...clean, plan('q'), subscription('t', 'q')], ['warning subscription-overlap t spec.weight']],
    ['deprecated', [...clean, object(HUB, 'APIRateLimit', 'l', 'spec: { limit: 1 }')], ['warning deprecated l kind']],
  ]; // prettier-ignore

  it.each(cases)('%s', (_, documents, expected) => {
    expect(found(documents).toSorted()).toEqual([...expected].toSorted());
  });

  it('by every name, each of which is tested here', () => {
    expect(Object.keys(lintRules).toSorted()).toEqual([...new Set(cases.map(([rule]) => rule))].toSorted());
  });

  it('nothing of plans with different weights', () => {
    expect(found([...clean, plan('q'), subscription('t', 'q', ', weight: 2')])).toEqual([]);
  });
});

describe('settings', () => {
  const documents = [...clean, plan('q'), subscription('t', 'q')];
  it('replace a severity, or silence a rule', () => {
    expect(found(documents, { 'subscription-overlap': 'error' })).toEqual(['error subscription-overlap t spec.weight']);
    expect(found(documents, { 'subscription-overlap': 'off' })).toEqual([]);
  });

  it('that name no rule are told', () => {
    expect(unknownRules({ orphan: 'off', orfan: 'off' })).toEqual(['orfan']);
  });
});

describe('a route is shadowed only by one that takes all of its requests', () => {
  const prefix = (text: string) => ({ kind: 'path-prefix', prefix: text }) as const;
  const host = { kind: 'host', host: 'a' } as const;
  it.each([
    ['a longer prefix', prefix('/a'), prefix('/a/b'), true],
    ['a shorter prefix', prefix('/a/b'), prefix('/a'), false],
    ['a host more', prefix('/'), { kind: 'all', of: [host, prefix('/x')] } as const, true],
    ['a host less', { kind: 'all', of: [host, prefix('/')] } as const, prefix('/'), false],
    ['one of two alternatives', host, { kind: 'any', of: [host, prefix('/')] } as const, false],
    ['an exact path', prefix('/a'), { kind: 'path', path: '/ab' } as const, true],
    ['elements of a path', { kind: 'any', of: [{ kind: 'path', path: '/a' }, prefix('/a/')] } as const, { kind: 'path', path: '/ab' } as const, false],
    ['a method', { kind: 'method', method: 'GET' } as const, prefix('/'), false],
  ])('%s', (_, first, second, covered) => {
    expect(covers(first, second)).toBe(covered);
  }); // prettier-ignore
});

describe('output', () => {
  const analysis = analyze([{ path: 'a b/ü.yaml', text: [...clean, plan('p')].join('---\n') }], { namespace: 'shop' });
  const diagnostics = lint(analysis);

  it('is SARIF that names rule, file and line', () => {
    expect(sarif(diagnostics, '1.2.3')).toMatchObject({
      version: '2.1.0',
      runs: [
        {
          tool: { driver: { name: 'adit', version: '1.2.3', rules: [{ id: 'duplicate' }] } },
          results: [
            {
              ruleId: 'duplicate', ruleIndex: 0, level: 'error',
              locations: [{ physicalLocation: { artifactLocation: { uri: 'a%20b/%C3%BC.yaml' }, region: { startLine: diagnostics[0]?.line ?? 0 } } }],
            },
          ],
        },
      ],
    }); // prettier-ignore
  });

  it('for GitHub is one line each, whatever the message holds', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (message, file) => {
        const [first] = diagnostics;
        if (first === undefined) throw new Error('nothing found');
        const line = githubAnnotation({ ...first, message: `${message}\n::error::x`, file: `${file},\n` });
        expect(line).not.toMatch(/[\r\n]/);
        expect(/^::error file=([^,]*),line=/.exec(line)).not.toBeNull();
      }),
    );
  });

  it('of the graph names every node and edge, whatever titles hold', () => {
    const strange = analyze([{ path: 'a.yaml', text: [service, object(HUB, 'API', 'x', 'spec: { title: "\\"]; end --> <b>\\\\" }')].join('---\n') }], { namespace: 'shop' }); // prettier-ignore
    for (const graph of [analysis.graph, strange.graph]) {
      const flow = mermaid(graph);
      expect(flow.match(/^ {2}n\d+\["[^"<]*(<br\/>[^"<]*)*"\](:::missing)?$/gm) ?? []).toHaveLength(graph.nodes.length);
      expect(flow.match(/ (-->|-\.->)/g) ?? []).toHaveLength(graph.edges.length);
      expect(dot(graph).match(/^ {2}"(?:[^"\\]|\\.)*" -> "(?:[^"\\]|\\.)*" \[label="(?:[^"\\]|\\.)*".*\];$/gm) ?? []).toHaveLength(graph.edges.length); // prettier-ignore
    }
  });
});
