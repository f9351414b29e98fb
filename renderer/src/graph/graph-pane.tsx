import { Button } from '@mantine/core';
import { ReactFlowProvider, useReactFlow } from '@xyflow/react';
import { useLive } from '../state/live.ts';
import { FailureNote } from '../notice/failure-note.tsx';
import { GraphView } from './graph-view.tsx';
import { useGraphLayout } from './use-graph-layout.ts';

/** What visitors reach, from left to right. */
export function GraphPane() {
  return (
    <ReactFlowProvider>
      <Pane />
    </ReactFlowProvider>
  );
}

function Pane() {
  const nodes = useLive((state) => state.model.graph.nodes.length);
  const missing = useLive((state) => state.model.graph.nodes.filter((node) => node.missing).length);
  const flow = useReactFlow();
  const { layout, failure } = useGraphLayout();
  return (
    <section className="pane graph-pane" aria-label="Graph">
      <div className="pane-head">
        <h2>Graph</h2>
        <span className="dim small ellipsis">
          {nodes === 1 ? '1 node' : `${nodes} nodes`}
          {missing > 0 && <span className="bad">, {missing} not defined</span>}
        </span>
        <span className="grow" />
        <Button
          size="compact-xs"
          variant="subtle"
          color="gray"
          aria-label="Zoom out"
          onClick={() => void flow.zoomOut({ duration: 80 })}
        >
          −
        </Button>
        <Button
          size="compact-xs"
          variant="subtle"
          color="gray"
          aria-label="Zoom in"
          onClick={() => void flow.zoomIn({ duration: 80 })}
        >
          +
        </Button>
        <Button
          size="compact-xs"
          variant="subtle"
          color="gray"
          onClick={() => void flow.fitView({ maxZoom: 1, duration: 120, padding: 0.06 })}
        >
          Fit
        </Button>
      </div>
      <div className="pane-body">
        {failure !== null && (
          <div className="padded">
            <FailureNote failure={failure} />
          </div>
        )}
        {nodes === 0 ? (
          <div className="empty">
            <p>Nothing to draw yet.</p>
            <p className="dim">
              Visitors, routes, APIs, plans and services appear here as soon as the files name them.
            </p>
          </div>
        ) : (
          layout && <GraphView layout={layout} />
        )}
      </div>
    </section>
  );
}
