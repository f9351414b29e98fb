import { TabBar } from '../frame/tab-bar.tsx';
import { useLayout, type ExplorerTab } from '../state/layout.ts';
import { useLive } from '../state/live.ts';
import { ApiExplorer } from './api-explorer.tsx';
import { FileExplorer } from './file-explorer.tsx';

const tabs = [
  { id: 'apis', label: 'APIs' },
  { id: 'files', label: 'Files' },
] as const satisfies readonly { id: ExplorerTab; label: string }[];

/** Two views of the same thing: what the objects are for, and where they are written. */
export function Explorer() {
  const tab = useLayout((state) => state.explorer);
  const workspace = useLive((state) => state.workspace);
  return (
    <section className="pane" aria-label="Explorer">
      <TabBar label="Explorer" tabs={tabs} active={tab} onChange={(explorer) => useLayout.setState({ explorer })} />
      <div className="pane-body" role="tabpanel" aria-label={tab === 'apis' ? 'APIs' : 'Files'}>
        {workspace && (tab === 'apis' ? <ApiExplorer /> : <FileExplorer />)}
      </div>
    </section>
  );
}
