import type { Model } from '../../../shared/contract/contract.ts';

/** Same for graphs that are laid out the same: nodes with their roles and edges with their ends, in any order (FNV-1a, 53 bits). */
export function structureHash(graph: Model['graph']): string {
  const words = [
    ...graph.nodes.map((node) => `n${node.role} ${node.id}`),
    ...graph.edges.map((edge) => `e${edge.from} ${edge.to}`),
  ].sort();
  let low = 0x811c9dc5;
  let high = 0x1000193;
  for (const word of words) {
    for (let at = 0; at < word.length; at += 1) {
      const code = word.charCodeAt(at);
      low = Math.imul(low ^ code, 0x01000193);
      high = Math.imul(high ^ code, 0x85ebca6b);
    }
    low = Math.imul(low ^ 10, 0x01000193);
  }
  return `${words.length}-${(low >>> 0).toString(16)}${(high >>> 0).toString(16)}`;
}
