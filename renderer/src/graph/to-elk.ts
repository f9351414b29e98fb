import type { ElkNode } from 'elkjs/lib/elk-api.js';
import type { Model } from '../../../shared/contract/contract.ts';
import { sizes } from '../theme/tokens.ts';
import { columnOf } from './role.ts';

/** The graph as ELK takes it: one layer range for each column, every edge from left to right, whoever holds the reference. */
export function toElk(graph: Model['graph']): ElkNode {
  const columns = new Map(graph.nodes.map((node) => [node.id, columnOf[node.role]]));
  return {
    id: 'root',
    layoutOptions: {
      'elk.algorithm': 'layered',
      'elk.direction': 'RIGHT',
      'elk.partitioning.activate': 'true',
      'elk.edgeRouting': 'ORTHOGONAL',
      'elk.layered.spacing.nodeNodeBetweenLayers': '40',
      'elk.spacing.nodeNode': '16',
      'elk.spacing.edgeNode': '12',
      'elk.spacing.edgeEdge': '8',
      'elk.layered.spacing.edgeEdgeBetweenLayers': '8',
      'elk.layered.spacing.edgeNodeBetweenLayers': '14',
      'elk.layered.nodePlacement.strategy': 'BRANDES_KOEPF',
      'elk.layered.nodePlacement.bk.fixedAlignment': 'BALANCED',
      'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
      'elk.separateConnectedComponents': 'false',
      'elk.padding': '[top=8,left=8,bottom=8,right=8]',
    },
    children: graph.nodes.map((node) => ({
      id: node.id,
      width: sizes.nodeWidthPx,
      height: sizes.nodeHeightPx,
      layoutOptions: { 'elk.partitioning.partition': String(columnOf[node.role]) },
    })),
    edges: graph.edges
      .filter((edge) => columns.has(edge.from) && columns.has(edge.to) && edge.from !== edge.to)
      .map((edge) => {
        const forward = (columns.get(edge.from) ?? 0) <= (columns.get(edge.to) ?? 0);
        return { id: edge.id, sources: [forward ? edge.from : edge.to], targets: [forward ? edge.to : edge.from] };
      }),
  };
}
