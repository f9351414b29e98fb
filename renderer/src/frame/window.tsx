import { useEffect } from 'react';
import { Group, Panel, Separator, useDefaultLayout } from 'react-resizable-panels';
import { CommandPalette } from '../palette/command-palette.tsx';
import { useShortcuts } from '../palette/use-shortcuts.ts';
import { Explorer } from '../explorer/explorer.tsx';
import { Inspector } from '../inspector/inspector.tsx';
import { useLayout } from '../state/layout.ts';
import { useLive } from '../state/live.ts';
import { useEditorSchema } from '../editor/use-editor-schema.ts';
import { Welcome } from '../workspace/welcome.tsx';
import { BottomPanel } from './bottom-panel.tsx';
import { Centre } from './centre.tsx';
import { Dialogs } from './dialogs.tsx';
import { PanelBoundary } from './panel-boundary.tsx';
import { StatusBar } from './status-bar.tsx';
import { useWide } from './use-wide.ts';
import { TopBar } from './top-bar.tsx';

/** The frame: bars, panels and what floats above them. */
export function Window() {
  const workspace = useLive((state) => state.workspace);
  const connection = useLive((state) => state.connection);
  useShortcuts();
  useEditorSchema();
  useEffect(() => {
    document.title = workspace ? `${workspace.name} · Adit` : 'Adit';
  }, [workspace]);

  return (
    <div className="window">
      <PanelBoundary name="The top bar">
        <TopBar />
      </PanelBoundary>
      {connection === 'lost' && (
        <div className="banner warn" role="status">
          The application does not answer; trying again. What you type stays in this window.
        </div>
      )}
      <main className="window-main">
        {workspace && <h1 className="unseen">{workspace.name}</h1>}
        {workspace === null && <Welcome />}
        {workspace && <Panels key={workspace.dir} />}
      </main>
      <PanelBoundary name="The status bar">
        <StatusBar />
      </PanelBoundary>
      <Dialogs />
      <CommandPalette />
    </div>
  );
}

function Panels() {
  const { inspectorOpen, bottomOpen } = useLayout();
  const wide = useWide();
  const inspector = inspectorOpen && wide;
  const columns = useDefaultLayout({ id: inspector ? 'adit-columns' : 'adit-columns-narrow' });
  const rows = useDefaultLayout({ id: 'adit-rows' });
  return (
    <Group orientation="vertical" {...(bottomOpen ? rows : {})} className="panels">
      <Panel id="work" minSize="30%">
        <Group key={inspector ? 'wide' : 'narrow'} orientation="horizontal" {...columns}>
          <Panel
            id="explorer"
            defaultSize="260px"
            minSize="160px"
            maxSize="45%"
            groupResizeBehavior="preserve-pixel-size"
          >
            <PanelBoundary name="The explorer">
              <Explorer />
            </PanelBoundary>
          </Panel>
          <Separator className="handle" aria-label="Width of the explorer" />
          <Panel id="centre" minSize="280px">
            <PanelBoundary name="The centre">
              <Centre />
            </PanelBoundary>
          </Panel>
          {inspector && <Separator className="handle" aria-label="Width of the inspector" />}
          {inspector && (
            <Panel
              id="inspector"
              defaultSize="300px"
              minSize="200px"
              maxSize="45%"
              groupResizeBehavior="preserve-pixel-size"
            >
              <PanelBoundary name="The inspector">
                <Inspector />
              </PanelBoundary>
            </Panel>
          )}
        </Group>
      </Panel>
      {bottomOpen && <Separator className="handle" aria-label="Height of the lower panel" />}
      {bottomOpen && (
        <Panel id="bottom" defaultSize="28%" minSize="90px" maxSize="75%">
          <PanelBoundary name="The lower panel">
            <BottomPanel />
          </PanelBoundary>
        </Panel>
      )}
    </Group>
  );
}
