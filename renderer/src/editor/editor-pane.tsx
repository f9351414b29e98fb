import { Button, Loader } from '@mantine/core';
import { useEffect } from 'react';
import { useApp } from '../app-context.tsx';
import { FailureNote } from '../notice/failure-note.tsx';
import { keyName } from '../palette/key-name.ts';
import { openDialog } from '../state/dialogs.ts';
import { useSelection } from '../state/selection.ts';
import { CodeView } from './code-view.tsx';
import { EditorTabs } from './editor-tabs.tsx';
import { useTabs } from './tabs.ts';

/** Tabs of the open files above the editor. */
export function EditorPane() {
  const { buffers } = useApp();
  const active = useTabs((state) => state.tabs.find((tab) => tab.path === state.active));
  const place = useSelection((state) => state.place);

  useEffect(() => {
    if (place) buffers.open(place.path);
  }, [buffers, place]);

  return (
    <section className="pane" aria-label="Editor">
      <EditorTabs />
      {active?.outside === 'changed' && (
        <div className="banner warn" role="status">
          <span className="grow">Another program changed this file while you have unsaved text.</span>
          <Button size="compact-xs" onClick={() => void buffers.save(active.path)}>
            Resolve
          </Button>
        </div>
      )}
      {active?.outside === 'gone' && (
        <div className="banner warn" role="status">
          <span className="grow">Another program deleted this file. Saving makes it again.</span>
          <Button size="compact-xs" onClick={() => void buffers.save(active.path)}>
            Save
          </Button>
          <Button size="compact-xs" onClick={() => buffers.discard(active.path)}>
            Close without saving
          </Button>
        </div>
      )}
      {!active && (
        <div className="empty">
          <p>No file is open.</p>
          <p className="dim">Choose an object or a file on the left, or press {keyName('mod+K')} to search.</p>
          <Button onClick={() => openDialog({ kind: 'new-file', folder: '' })}>New file</Button>
        </div>
      )}
      {active?.state === 'loading' && (
        <div className="empty">
          <Loader size="sm" aria-label="Loading the file" />
        </div>
      )}
      {active?.state === 'failed' && active.failure && (
        <div className="padded">
          <FailureNote failure={active.failure}>
            <Button size="compact-xs" onClick={() => buffers.open(active.path)}>
              Try again
            </Button>
          </FailureNote>
        </div>
      )}
      <CodeView />
    </section>
  );
}
