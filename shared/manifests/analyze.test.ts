import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { analyze } from './analyze.ts';
import { diagnosticCodes } from './errors.ts';
import { bundledSchemas } from './schema/schema-set.ts';
import { editorSchema } from './schema/editor-schema.ts';
import type { SourceFile } from './types.ts';

const EXAMPLE = new URL('../../examples/petstore/', import.meta.url);

function petstore(): SourceFile[] {
  const names = readdirSync(new URL('manifests/', EXAMPLE)).toSorted();
  return ['adit.yaml', ...names.map((name) => `manifests/${name}`)].map((path) => ({
    path,
    text: readFileSync(new URL(path, EXAMPLE), 'utf8'),
  }));
}

describe('the petstore', () => {
  const analysis = analyze(petstore(), { namespace: 'petstore' });

  it('has nothing to complain about', () => {
    expect(analysis.diagnostics).toEqual([]);
    expect(analysis.errors).toBe(0);
  });

  it('protects every path, also /', () => {
    expect(analysis.config.routes.map(({ id, priority, api }) => [id, priority, api])).toEqual([
      ['Ingress/petstore/orders#0', 21, 'petstore/petstore'],
      ['IngressRoute/petstore/pets#1', 17, 'petstore/petstore'],
      ['IngressRoute/petstore/pets#0', 15, 'petstore/petstore'],
    ]);
  });

  it('shows the way of a request as a graph', () => {
    const lines = analysis.graph.nodes.map(({ role, title, detail }) => `${role} ${title}: ${detail}`);
    expect(lines).toContain('plan Partner: 500/s · 1M per day');
    expect(lines).toContain('auth keys: API key · default');
    expect(lines).toContain('route pets: PathPrefix(`/`), PathPrefix(`/v1`)');
    const ids = new Set(analysis.graph.nodes.map(({ id }) => id));
    expect(analysis.graph.edges.filter(({ from, to }) => !ids.has(from) || !ids.has(to))).toEqual([]);
    expect(analysis.graph.edges).toContainEqual(
      expect.objectContaining({
        from: 'hub.traefik.io/ManagedSubscription/petstore/partner',
        to: 'hub.traefik.io/API/petstore/petstore',
        field: 'spec.apiSelector',
      }),
    );
  });
});

describe('an edit', () => {
  const files = petstore();
  const first = analyze(files, { namespace: 'petstore' });
  const edited = files.map((file) =>
    file.path === 'manifests/api.yaml'
      ? { ...file, text: file.text.replace('name: petstore\n', 'name: shop\n') }
      : file,
  );

  it('reads only what changed', () => {
    const second = analyze(edited, { namespace: 'petstore', previous: first });
    const kept = second.documents.filter((document) => first.documents.includes(document));
    expect(second.documents.length - kept.length).toBe(1);
  });

  it('gives what a fresh analysis gives', () => {
    const second = analyze(edited, { namespace: 'petstore', previous: first });
    const fresh = analyze(edited, { namespace: 'petstore' });
    expect(second.diagnostics).toEqual(fresh.diagnostics);
    expect(second.config).toEqual(fresh.config);
    expect(second.graph).toEqual(fresh.graph);
    expect(second.errors).toBeGreaterThan(0);
  });

  it('forgets what another namespace or other schemas would change', () => {
    const other = analyze(files, { namespace: 'other', previous: first });
    expect(other.documents.some((document) => first.documents.includes(document))).toBe(false);
  });
});

describe('whatever is typed', () => {
  const files = petstore();
  const text = files.map((file) => file.text).join('---\n');

  it('gives diagnostics that lie within the file, and never throws', () => {
    const noise = fc.constantFrom(
      '',
      ' ',
      '\n',
      '\t',
      ': ',
      '- ',
      '[',
      '{',
      '}',
      '"',
      "'",
      '&a ',
      '*a',
      '|',
      '#',
      '`',
      'null',
      '5',
      '{}',
      '[]',
      '\n---\n',
      'ä',
    );
    fc.assert(
      fc.property(fc.nat(text.length), fc.nat(40), noise, (at, cut, insert) => {
        const broken = text.slice(0, at) + insert + text.slice(at + cut);
        const lines = broken.split('\n');
        for (const { line, column, endLine, endColumn } of analyze([{ path: 'a.yaml', text: broken }], {
          namespace: 'x',
        }).diagnostics) {
          expect(line).toBeLessThanOrEqual(lines.length);
          expect(column).toBeLessThanOrEqual((lines[line - 1]?.length ?? 0) + 1);
          expect(endLine > line || endColumn >= column).toBe(true);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('bears any value in the place of any field', () => {
    const value = fc.constantFrom<unknown>(null, 5, -1, true, '', 'x', [], [null], [[]], {}, { name: 5 }, [
      { name: null },
    ]);
    const documents = analyze(files, { namespace: 'petstore' }).documents.map((document) => document.value);
    fc.assert(
      fc.property(fc.nat(documents.length - 1), fc.infiniteStream(fc.nat(20)), value, (which, turns, put) => {
        const copy: unknown = structuredClone(documents[which]);
        let holder = copy;
        for (const turn of turns) {
          if (typeof holder !== 'object' || holder === null) break;
          const keys = Object.keys(holder);
          const key = keys[turn % Math.max(keys.length, 1)];
          if (key === undefined) break;
          const child: unknown = Reflect.get(holder, key);
          if (turn > 14 || typeof child !== 'object') {
            Reflect.set(holder, key, put);
            break;
          }
          holder = child;
        }
        const others = documents.filter((_, at) => at !== which);
        const list = [...others, copy].map((document, at) => ({ path: `${at}.json`, text: JSON.stringify(document) }));
        expect(() => analyze(list, { namespace: 'petstore' })).not.toThrow();
      }),
      { numRuns: 200 },
    );
  });
});

describe('the editor schema', () => {
  it('holds the schema of each kind under its apiVersion and kind', () => {
    const { allOf } = editorSchema(bundledSchemas());
    expect(allOf).toHaveLength(bundledSchemas().kinds.size);
    expect(allOf).toContainEqual(
      expect.objectContaining({
        if: {
          properties: { apiVersion: { const: 'hub.traefik.io/v1alpha1' }, kind: { const: 'APIPlan' } },
          required: ['apiVersion', 'kind'],
        },
      }),
    );
    expect(JSON.stringify(allOf)).not.toContain('x-kubernetes');
  });
});

describe('docs/diagnostics.md', () => {
  it('explains every code, and no other', () => {
    const text = readFileSync(new URL('../../docs/diagnostics.md', import.meta.url), 'utf8');
    const explained = [...text.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, code]) => code ?? '');
    expect(explained.toSorted()).toEqual(Object.keys(diagnosticCodes).toSorted());
  });
});
