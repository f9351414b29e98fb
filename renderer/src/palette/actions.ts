import type { App } from '../app-context.tsx';
import { useTabs } from '../editor/tabs.ts';
import { setContext } from '../kube/set-context.ts';
import { copyText } from '../notice/copy-text.ts';
import { openPage } from '../preview/open-page.ts';
import { togglePreview } from '../preview/toggle-preview.ts';
import { openDialog } from '../state/dialogs.ts';
import { showBottom, useLayout } from '../state/layout.ts';
import { useLive } from '../state/live.ts';
import { openSample, openWorkspace } from '../workspace/open-workspace.ts';

export interface Action {
  readonly id: string;
  readonly name: string;
  readonly group: 'Commands' | 'Objects' | 'Files';
  readonly detail?: string;
  /** `mod+S`; see `use-shortcuts.ts`. */
  readonly keys?: string;
  readonly run: () => void;
}

export interface Looks {
  readonly scheme: 'light' | 'dark';
  setScheme(scheme: 'light' | 'dark' | 'auto'): void;
}

/** Every command that makes sense now. */
export function commands(app: App, looks: Looks): Action[] {
  const { bridge, buffers } = app;
  const { workspace, recent, info, preview, kube } = useLive.getState();
  const { active, tabs } = useTabs.getState();
  const list: Action[] = [];
  function add(id: string, name: string, run: () => void, more: { keys?: string; detail?: string } = {}): void {
    list.push({ id, name, group: 'Commands', run, ...more });
  }

  if (workspace) {
    const url = preview?.state === 'off' ? undefined : preview?.hosts[0]?.url;
    if (active !== null) {
      add('save', 'Save file', () => void buffers.save(active), { keys: 'mod+S', detail: active });
      add('close', 'Close file', () => buffers.close(active), { detail: active });
      add('rename', 'Rename file…', () => openDialog({ kind: 'rename', path: active }), { detail: active });
      add('delete', 'Delete file…', () => openDialog({ kind: 'delete', path: active, folder: false }), {
        detail: active,
      });
    }
    if (tabs.some((tab) => tab.dirty)) add('save-all', 'Save all files', () => void buffers.saveAll());
    add('new-file', 'New file…', () => openDialog({ kind: 'new-file', folder: '' }));
    add('preview', url === undefined ? 'Start preview' : 'Stop preview', () => void togglePreview(bridge), {
      keys: 'mod+shift+P',
    });
    if (url !== undefined) {
      add('copy-url', 'Copy preview URL', () => void copyText(url, 'URL copied'), { detail: url });
      add('open-url', 'Open preview in the browser', () => void openPage(bridge, url), { detail: url });
      add('qr', 'Show preview URL as QR code', () => openDialog({ kind: 'qr', url }));
    }
    add('commit', 'Commit…', () => openDialog({ kind: 'commit' }), { keys: 'mod+shift+K' });
    add('view-editor', 'Show the editor alone', () => useLayout.setState({ centre: 'editor' }), { keys: 'mod+1' });
    add('view-split', 'Show editor and graph side by side', () => useLayout.setState({ centre: 'split' }), {
      keys: 'mod+2',
    });
    add('view-graph', 'Show the graph alone', () => useLayout.setState({ centre: 'graph' }), { keys: 'mod+3' });
    add('problems', 'Show problems', () => showBottom('problems'), { keys: 'mod+shift+M' });
    add('changes', 'Show changes', () => showBottom('changes'));
    add('traffic', 'Show traffic', () => showBottom('traffic'));
    add('agent', 'Show the agent', () => showBottom('agent'));
    add(
      'bottom',
      'Show or hide the lower panel',
      () => useLayout.setState((state) => ({ bottomOpen: !state.bottomOpen })),
      { keys: 'mod+J' },
    );
    add(
      'inspector',
      'Show or hide the inspector',
      () => useLayout.setState((state) => ({ inspectorOpen: !state.inspectorOpen })),
      { keys: 'mod+I' },
    );
    add('apis', 'Explorer: APIs', () => useLayout.setState({ explorer: 'apis' }));
    add('files', 'Explorer: files', () => useLayout.setState({ explorer: 'files' }));
    if (kube && kube.state !== 'off')
      add(
        'disconnect',
        'Disconnect from the cluster',
        () => void setContext(bridge, null),
        kube.context === undefined ? {} : { detail: kube.context },
      );
  }
  add('open-folder', 'Open folder…', () => openDialog({ kind: 'open-folder' }), { keys: 'mod+O' });
  add('clone', 'Clone repository…', () => openDialog({ kind: 'clone' }));
  if (info?.sampleAvailable) add('sample', 'Open the sample workspace', () => void openSample(bridge));
  for (const { dir, name } of recent) {
    if (dir !== workspace?.dir)
      add(`recent ${dir}`, `Open workspace ${name}`, () => void openWorkspace(bridge, dir), { detail: dir });
  }
  add('scheme', `Use ${looks.scheme === 'dark' ? 'light' : 'dark'} colours`, () =>
    looks.setScheme(looks.scheme === 'dark' ? 'light' : 'dark'),
  );
  add('scheme-auto', 'Use the colours of the system', () => looks.setScheme('auto'));
  return list;
}
