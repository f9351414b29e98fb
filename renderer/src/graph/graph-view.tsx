import {
  Background,
  BackgroundVariant,
  ReactFlow,
  useReactFlow,
  useStoreApi,
  type NodeChange,
  type ReactFlowInstance,
  type Viewport,
} from '@xyflow/react';
import { useEffect, useMemo, useRef } from 'react';
import { useLive } from '../state/live.ts';
import { indexModel, keyOfNode } from '../state/model-index.ts';
import { selectKey, useSelection } from '../state/selection.ts';
import { sizes } from '../theme/tokens.ts';
import { edgeTraffic, nodeTraffic } from './edge-traffic.ts';
import { LaidEdge, type LaidEdgeType } from './laid-edge.tsx';
import type { GraphLayout, Point } from './layout-graph.ts';
import { HeadingNode, ObjectNode, type HeadingNodeType, type ObjectNodeType } from './object-node.tsx';
import { relatedNodes } from './related.ts';
import { columnOf, columnTitles } from './role.ts';

const nodeTypes = { object: ObjectNode, heading: HeadingNode };
const edgeTypes = { laid: LaidEdge };
const MANY_NODES = 300;
const RECENT_EXCHANGES = 500;
const READABLE_ZOOM = 0.7;
const MARGIN_PX = 16;
const HEADING_PX = 30;

export function GraphView({ layout }: { layout: GraphLayout }) {
  const model = useLive((state) => state.model);
  const exchanges = useLive((state) => state.exchanges);
  const selected = useSelection((state) => state.key);
  const flow = useReactFlow<ObjectNodeType | HeadingNodeType, LaidEdgeType>();
  const store = useStoreApi();
  const dir = useLive((state) => state.workspace?.dir);
  const fitted = useRef<string | undefined>(undefined);
  const index = indexModel(model);
  const selectedId = selected === null ? undefined : index.nodes.get(selected)?.id;

  const roles = useMemo(() => new Map(model.graph.nodes.map((node) => [node.id, node.role])), [model]);
  const related = useMemo(
    () =>
      selectedId === undefined
        ? null
        : relatedNodes(model.graph, selectedId, (id) => columnOf[roles.get(id) ?? 'other']),
    [model, roles, selectedId],
  );

  const nodes = useMemo(() => {
    const drawn: (ObjectNodeType | HeadingNodeType)[] = [];
    const columns = new Map<number, number>();
    for (const node of model.graph.nodes) {
      const position = layout.nodes.get(node.id);
      if (!position) continue;
      const column = columnOf[node.role];
      columns.set(column, Math.min(columns.get(column) ?? Infinity, position.x));
      drawn.push({
        id: node.id,
        type: 'object',
        position: { ...position },
        data: {
          node,
          object: index.objects.get(keyOfNode(node)),
          dimmed: related !== null && !related.has(node.id),
        },
        width: sizes.nodeWidthPx,
        height: sizes.nodeHeightPx,
        selected: node.id === selectedId,
        ariaRole: 'button',
        draggable: false,
        connectable: false,
        deletable: false,
      });
    }
    const top = Math.min(...[...layout.nodes.values()].map((point) => point.y));
    for (const [column, x] of columns) {
      drawn.push({
        id: `heading ${column}`,
        type: 'heading',
        position: { x, y: top - HEADING_PX },
        data: { title: columnTitles[column] ?? '' },
        width: sizes.nodeWidthPx,
        height: 20,
        selectable: false,
        focusable: false,
        draggable: false,
      });
    }
    return drawn;
  }, [model, index, layout, related, selectedId]);

  const edges = useMemo(() => {
    const loads = nodeTraffic(model.graph, exchanges.slice(-RECENT_EXCHANGES));
    return model.graph.edges.flatMap((edge): LaidEdgeType[] => {
      const points = layout.edges.get(edge.id);
      if (!points) return [];
      const lit = related !== null && related.has(edge.from) && related.has(edge.to);
      const load = edgeTraffic(loads, edge, (id) => roles.get(id) ?? 'other');
      const look = edge.broken ? 'broken' : related === null ? 'plain' : lit ? 'lit' : 'dimmed';
      return [
        {
          id: edge.id,
          source: edge.from,
          target: edge.to,
          type: 'laid',
          focusable: false,
          selectable: false,
          data: { points, look, traffic: edge.broken ? 0 : load.requests, failing: load.failed * 20 > load.requests },
        },
      ];
    });
  }, [model, layout, related, exchanges, roles]);

  function reveal(): void {
    const place = selectedId === undefined ? undefined : layout.nodes.get(selectedId);
    if (!place) return;
    const { width, height, transform } = store.getState();
    const [x, y, zoom] = transform;
    const left = place.x * zoom + x;
    const top = place.y * zoom + y;
    const right = left + sizes.nodeWidthPx * zoom;
    const bottom = top + sizes.nodeHeightPx * zoom;
    if (width === 0 || (left >= 0 && top >= 0 && right <= width && bottom <= height)) return;
    void flow.setViewport(viewFrom(layout, place, { width, height, zoom }), { duration: 120 });
  }

  useEffect(() => {
    // Once for each workspace; after that the view is the user's.
    if (fitted.current === dir) return;
    fitted.current = dir;
    requestAnimationFrame(() => void showWhole(flow, store.getState().width).then(reveal));
    // oxlint-disable-next-line react/exhaustive-deps -- `reveal` is new each time
  }, [flow, store, dir, layout]);

  useEffect(() => {
    if (fitted.current === dir) reveal();
    // The view moves when another thing is selected, not when the graph is refreshed.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [selectedId]);

  function onNodesChange(changes: NodeChange<ObjectNodeType | HeadingNodeType>[]): void {
    const chosen = changes.find((change) => change.type === 'select' && change.selected);
    if (chosen?.type !== 'select') return;
    const key = index.keyOfNode.get(chosen.id);
    if (key !== undefined) selectKey(key);
  }

  return (
    <ReactFlow
      nodes={nodes}
      edges={edges}
      nodeTypes={nodeTypes}
      edgeTypes={edgeTypes}
      onNodesChange={onNodesChange}
      onPaneClick={() => selectKey(null)}
      nodesDraggable={false}
      nodesConnectable={false}
      edgesFocusable={false}
      selectNodesOnDrag={false}
      deleteKeyCode={null}
      multiSelectionKeyCode={null}
      selectionKeyCode={null}
      // Else every space that is typed into the editor is taken for panning.
      panActivationKeyCode={null}
      zoomActivationKeyCode={null}
      onlyRenderVisibleElements={nodes.length > MANY_NODES}
      minZoom={0.1}
      maxZoom={2}
      panOnScroll
      proOptions={{ hideAttribution: true }}
      aria-label="Graph of references"
    >
      <Background variant={BackgroundVariant.Dots} gap={20} size={1} />
    </ReactFlow>
  );
}

/** Shows a node whole with the column before it, and no column cut at the left; the top too where all rows fit. */
function viewFrom(
  layout: GraphLayout,
  place: Point,
  { width, height, zoom }: { readonly width: number; readonly height: number; readonly zoom: number },
): Viewport {
  const points = [...layout.nodes.values()];
  const before = Math.max(...points.map(({ x }) => x).filter((x) => x + sizes.nodeWidthPx <= place.x), -Infinity);
  const fits = (place.x + sizes.nodeWidthPx - before) * zoom + 2 * MARGIN_PX <= width;
  const left = fits ? before : place.x;
  const top = Math.min(...points.map(({ y }) => y)) - HEADING_PX;
  const bottom = Math.max(...points.map(({ y }) => y)) + sizes.nodeHeightPx;
  const whole = (bottom - top) * zoom + 2 * MARGIN_PX <= height;
  return {
    x: MARGIN_PX - left * zoom,
    y: whole ? MARGIN_PX - top * zoom : height / 2 - (place.y + sizes.nodeHeightPx / 2) * zoom,
    zoom,
  };
}

/** All of it where that can be read; else its left end, where visitors come in. */
async function showWhole(
  flow: ReactFlowInstance<ObjectNodeType | HeadingNodeType, LaidEdgeType>,
  width: number,
): Promise<void> {
  const bounds = flow.getNodesBounds(flow.getNodes());
  if ((bounds.width + 2 * MARGIN_PX) * READABLE_ZOOM <= width)
    await flow.fitView({ maxZoom: 1, minZoom: READABLE_ZOOM, padding: 0.06 });
  else
    await flow.setViewport({
      x: MARGIN_PX - bounds.x * READABLE_ZOOM,
      y: MARGIN_PX - bounds.y * READABLE_ZOOM,
      zoom: READABLE_ZOOM,
    });
}
