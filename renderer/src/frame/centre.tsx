import { Group, Panel, Separator, useDefaultLayout } from 'react-resizable-panels';
import { EditorPane } from '../editor/editor-pane.tsx';
import { GraphPane } from '../graph/graph-pane.tsx';
import { useLayout } from '../state/layout.ts';
import { PanelBoundary } from './panel-boundary.tsx';

/** Editor, graph, or both side by side. */
export function Centre() {
  const view = useLayout((state) => state.centre);
  const saved = useDefaultLayout({ id: 'adit-centre' });
  return (
    <Group key={view} orientation="horizontal" {...(view === 'split' ? saved : {})}>
      {view !== 'graph' && (
        <Panel id="editor" minSize="200px" defaultSize={view === 'split' ? '42%' : '100%'}>
          <PanelBoundary name="The editor">
            <EditorPane />
          </PanelBoundary>
        </Panel>
      )}
      {view === 'split' && <Separator className="handle" aria-label="Width of the editor" />}
      {view !== 'editor' && (
        <Panel id="graph" minSize="200px">
          <PanelBoundary name="The graph">
            <GraphPane />
          </PanelBoundary>
        </Panel>
      )}
    </Group>
  );
}
