import { describe, expect, test } from 'vitest';
import type { Model } from '../../../shared/contract/contract.ts';
import { edgeTraffic, nodeTraffic } from './edge-traffic.ts';
import { edgePath } from './edge-path.ts';
import { relatedNodes } from './related.ts';
import { columnOf, type Role } from './role.ts';
import { structureHash } from './structure-hash.ts';
import { toElk } from './to-elk.ts';

type Graph = Model['graph'];

function node(id: string, role: Role): Graph['nodes'][number] {
  return { id, role, kind: role, title: id, detail: '' };
}
function edge(from: string, to: string): Graph['edges'][number] {
  return { id: `${from}>${to}`, from, to, field: 'f' };
}

const graph: Graph = {
  nodes: [
    node('v', 'visitor'),
    node('r', 'route'),
    node('a', 'api'),
    node('s', 'service'),
    node('p', 'plan'),
    node('sub', 'subscription'),
  ],
  edges: [edge('v', 'r'), edge('r', 'a'), edge('r', 's'), edge('sub', 'a'), edge('sub', 'p')],
};

describe('structure hash', () => {
  test('stays when only texts and problems change, and whatever the order', () => {
    const other: Graph = {
      nodes: graph.nodes.map((one) => ({ ...one, detail: 'new', problem: 'error' as const })).reverse(),
      edges: [...graph.edges].reverse(),
    };
    expect(structureHash(other)).toBe(structureHash(graph));
  });

  test('changes with a node, an edge or an end', () => {
    const hashes = [
      graph,
      { ...graph, nodes: graph.nodes.slice(1) },
      { ...graph, edges: graph.edges.slice(1) },
      { ...graph, edges: [...graph.edges.slice(1), edge('v', 'a')] },
      { ...graph, nodes: [node('v', 'application'), ...graph.nodes.slice(1)] },
    ].map(structureHash);
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});

test('every edge is laid from left to right, whoever holds the reference', () => {
  const columns = new Map(graph.nodes.map((one) => [one.id, columnOf[one.role]]));
  const backwards: Graph = { nodes: graph.nodes, edges: [edge('s', 'r'), edge('a', 'nowhere'), edge('r', 'r')] };
  const laid = toElk(backwards).edges ?? [];
  expect(laid.map((one) => [one.sources, one.targets])).toEqual([[['r'], ['s']]]);
  for (const one of toElk(graph).edges ?? [])
    expect(columns.get(one.sources[0] ?? '')).toBeLessThanOrEqual(columns.get(one.targets[0] ?? '') ?? 0);
});

test('a selection keeps the ways through it, not the neighbours of its neighbours', () => {
  const column = (id: string): number => columnOf[graph.nodes.find((one) => one.id === id)?.role ?? 'other'];
  expect([...relatedNodes(graph, 'a', column)].sort()).toEqual(['a', 'r', 'sub', 'v']);
  expect([...relatedNodes(graph, 'p', column)].sort()).toEqual(['p', 'sub']);
});

test('edges turn at round corners', () => {
  expect(
    edgePath([
      { x: 0, y: 0 },
      { x: 20, y: 0 },
      { x: 20, y: 20 },
    ]),
  ).toBe('M0 0L15 0Q20 0 20 5L20 20');
  expect(edgePath([])).toBe('');
});

test('traffic is drawn on the ways that the requests took', () => {
  const ref = { apiVersion: 'traefik.io/v1alpha1', kind: 'IngressRoute', namespace: 'shop', name: 'pets' };
  const drawn: Graph = { ...graph, nodes: graph.nodes.map((one) => (one.id === 'r' ? { ...one, object: ref } : one)) };
  const base = {
    id: 'x',
    startedAt: '',
    method: 'GET',
    host: 'h',
    target: '/',
    broker: 'b',
    attempt: 1,
    requestBytes: 0,
    responseBytes: 0,
  };
  const loads = nodeTraffic(drawn, [
    { ...base, seq: 1, status: 200, route: 'IngressRoute/shop/pets#0' },
    { ...base, seq: 2, status: 502, route: 'IngressRoute/shop/pets#1' },
  ]);
  const role = (id: string): string => drawn.nodes.find((one) => one.id === id)?.role ?? 'other';
  expect(edgeTraffic(loads, { from: 'v', to: 'r' }, role)).toEqual({ requests: 2, failed: 1 });
  expect(edgeTraffic(loads, { from: 'r', to: 's' }, role)).toEqual({ requests: 2, failed: 1 });
  expect(edgeTraffic(loads, { from: 'r', to: 'a' }, role).requests).toBe(0);
});
