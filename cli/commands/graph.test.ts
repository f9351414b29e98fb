import { describe, expect, it, vi } from 'vitest';
import { folderOf, runCli } from '../testing/run-cli.ts';

// Each run is a process that reads all of the sources.
vi.setConfig({ testTimeout: 90_000 });

const ROUTE = `apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: { name: shop, namespace: shop }
spec: { routes: [{ match: Host(\`shop.test\`), services: [{ name: web, port: 80 }] }] }
`;
const SERVICE =
  'apiVersion: v1\nkind: Service\nmetadata: { name: web, namespace: shop }\nspec: { ports: [{ port: 80 }] }\n';

describe('adit graph', () => {
  it('draws Mermaid from visitors to Services', async () => {
    using folder = folderOf({ 'route.yaml': ROUTE, 'service.yaml': SERVICE });
    const { code, out, err } = await runCli(folder.dir, ['graph']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^flowchart/);
    expect(out).toContain('shop');
    expect(out).toContain('web');
  });

  it('draws DOT with the same nodes', async () => {
    using folder = folderOf({ 'route.yaml': ROUTE, 'service.yaml': SERVICE });
    const { code, out } = await runCli(folder.dir, ['graph', '--format', 'dot']);
    expect(code).toBe(0);
    expect(out).toMatch(/^digraph/);
    expect(out.trimEnd().endsWith('}')).toBe(true);
  });

  it('prints nodes and edges as JSON, and ends with 1 when a reference is broken', async () => {
    using folder = folderOf({ 'route.yaml': ROUTE.replace('services:', 'middlewares: [{ name: gone }], services:') });
    const { code, out } = await runCli(folder.dir, ['graph', '--json']);
    const graph = JSON.parse(out) as {
      nodes: { kind: string; title: string; missing?: boolean }[];
      edges: { field: string; broken?: boolean }[];
    };
    expect(graph.nodes.filter(({ missing }) => missing === true).map(({ kind }) => kind)).toContain('Middleware');
    expect(graph.edges.filter(({ broken }) => broken === true).map(({ field }) => field)).toContain(
      'spec.routes[0].middlewares[0].name',
    );
    expect(code).toBe(1);
  });

  it('documents its exit codes, and ends with 2 on wrong use', async () => {
    using folder = folderOf({});
    const help = await runCli(folder.dir, ['graph', '--help']);
    expect(help.out).toContain('Exit codes: 0 printed, 1 a reference is broken, 2 wrong use.');
    expect((await runCli(folder.dir, ['graph', '--format', 'svg'])).code).toBe(2);
  });
});
