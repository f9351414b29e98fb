import type { Model } from '../../../shared/contract/contract.ts';

/** The nodes on any way through `id`: all that lead to it and all that it leads to, `towards` being left to right. */
export function relatedNodes(
  graph: Model['graph'],
  id: string,
  columnOfNode: (id: string) => number,
): ReadonlySet<string> {
  const left = new Map<string, string[]>();
  const right = new Map<string, string[]>();
  for (const { from, to } of graph.edges) {
    const [a, b] = columnOfNode(from) <= columnOfNode(to) ? [from, to] : [to, from];
    right.set(a, [...(right.get(a) ?? []), b]);
    left.set(b, [...(left.get(b) ?? []), a]);
  }
  const seen = new Set([id]);
  for (const next of [left, right]) {
    const queue = [id];
    const walked = new Set(queue);
    for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
      for (const other of next.get(at) ?? []) {
        if (walked.has(other)) continue;
        walked.add(other);
        seen.add(other);
        queue.push(other);
      }
    }
  }
  return seen;
}
