import { roleWords } from '../graph/role.ts';
import type { GraphEdge, ModelIndex } from '../state/model-index.ts';
import { selectKey } from '../state/selection.ts';

interface ReferencesProps {
  readonly title: string;
  readonly edges: readonly GraphEdge[];
  readonly end: 'from' | 'to';
  readonly index: ModelIndex;
}

/** References in one direction, each a way to go. */
export function References({ title, edges, end, index }: ReferencesProps) {
  if (edges.length === 0) return null;
  return (
    <div className="block">
      <h3>{title}</h3>
      <ul className="plain-list">
        {oneForEach(edges, end).map((edge) => {
          const key = index.keyOfNode.get(edge[end]);
          const node = key === undefined ? undefined : index.nodes.get(key);
          if (key === undefined || !node) return null;
          return (
            <li key={edge.id}>
              <button
                type="button"
                className="list-row flush"
                onClick={() => selectKey(key)}
                title={edge.field === '' ? node.title : `${node.title}\n${edge.field}`}
              >
                {edge.broken && (
                  <span className="bad" title="leads nowhere">
                    ▲
                  </span>
                )}
                <span className="link ellipsis start">{node.title}</span>
                <span className="tree-kind">{roleWords[node.role]}</span>
              </button>
            </li>
          );
        })}
      </ul>
    </div>
  );
}

/** A thing that several fields refer to stands here once, by a broken field if there is one. */
function oneForEach(edges: readonly GraphEdge[], end: 'from' | 'to'): readonly GraphEdge[] {
  const first = new Map<string, GraphEdge>();
  for (const edge of edges) if (edge.broken || !first.has(edge[end])) first.set(edge[end], edge);
  return [...first.values()];
}
