import { useEffect, useState } from 'react';
import type { Failure } from '../../../shared/result/result.ts';
import { useLive } from '../state/live.ts';
import { layoutGraph, type GraphLayout } from './layout-graph.ts';

/** The layout of the newest graph; that of the one before until it is there. */
export function useGraphLayout(): { layout: GraphLayout | null; failure: Failure | null } {
  const graph = useLive((state) => state.model.graph);
  const [layout, setLayout] = useState<GraphLayout | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  useEffect(() => {
    if (graph.nodes.length === 0) return undefined;
    let old = false;
    layoutGraph(graph).then(
      (next) => {
        if (old) return;
        setLayout(next);
        setFailure(null);
      },
      (reason: unknown) => {
        if (!old)
          setFailure({
            code: 'layout-failed',
            message: 'The graph could not be laid out.',
            hint: 'Explorer and editor show the same objects.',
            detail: String(reason),
          });
      },
    );
    return () => {
      old = true;
    };
  }, [graph]);
  return { layout, failure };
}
