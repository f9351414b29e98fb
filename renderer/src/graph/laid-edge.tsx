import { BaseEdge, type Edge, type EdgeProps } from '@xyflow/react';
import { edgePath } from './edge-path.ts';
import type { Point } from './layout-graph.ts';

export type LaidEdgeType = Edge<
  {
    readonly points: readonly Point[];
    readonly look: 'plain' | 'dimmed' | 'lit' | 'broken';
    readonly traffic: number;
    readonly failing: boolean;
  },
  'laid'
>;

/** An edge on the way that the layout gave it; traffic makes it thicker, failing traffic red. */
export function LaidEdge({ id, data }: EdgeProps<LaidEdgeType>) {
  if (!data || data.points.length === 0) return null;
  const width = data.traffic === 0 ? 1.2 : Math.min(5, 1.6 + Math.log10(data.traffic));
  return (
    <BaseEdge
      id={id}
      path={edgePath(data.points)}
      className={`laid-edge ${data.look}${data.traffic > 0 ? ' busy' : ''}${data.failing ? ' failing' : ''}`}
      style={{ strokeWidth: width }}
    />
  );
}
