import {
  ActionIcon,
  Button,
  SegmentedControl,
  Tooltip,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core';
import { ContextMenu } from '../kube/context-menu.tsx';
import { usePalette } from '../palette/palette-store.ts';
import { keyName } from '../palette/key-name.ts';
import { PreviewButton } from '../preview/preview-button.tsx';
import { openDialog } from '../state/dialogs.ts';
import { useLayout, type CentreView } from '../state/layout.ts';
import { useLive } from '../state/live.ts';
import { WorkspaceMenu } from '../workspace/workspace-menu.tsx';

export function TopBar() {
  const workspace = useLive((state) => state.workspace);
  return (
    <section className="top-bar" aria-label="Application">
      <div className="top-left">
        <WorkspaceMenu />
        {workspace && <ContextMenu />}
        {workspace && (
          <span className="pick still" title="Namespace of documents that name none">
            <span className="dim">namespace</span> <span className="mono ellipsis">{workspace.namespace}</span>
          </span>
        )}
      </div>
      <button type="button" className="search-button" onClick={() => usePalette.setState({ open: true })}>
        <span className="ellipsis">Search or run a command</span>
        <kbd>{keyName('mod+K')}</kbd>
      </button>
      <div className="top-right">
        {workspace && <ViewSwitch />}
        <SchemeToggle />
        {workspace && <CommitButton />}
        {workspace && <PreviewButton />}
      </div>
    </section>
  );
}

function ViewSwitch() {
  const centre = useLayout((state) => state.centre);
  return (
    <SegmentedControl<CentreView>
      size="xs"
      aria-label="View"
      value={centre}
      onChange={(next) => useLayout.setState({ centre: next })}
      data={[
        { value: 'editor', label: 'Editor' },
        { value: 'split', label: 'Split' },
        { value: 'graph', label: 'Graph' },
      ]}
    />
  );
}

function SchemeToggle() {
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme('light', { getInitialValueInEffect: false });
  const other = scheme === 'dark' ? 'light' : 'dark';
  return (
    <Tooltip label={`Use ${other} colours`}>
      <ActionIcon aria-label={`Use ${other} colours`} onClick={() => setColorScheme(other)}>
        <span aria-hidden>{scheme === 'dark' ? '☀' : '☾'}</span>
      </ActionIcon>
    </Tooltip>
  );
}

function CommitButton() {
  const git = useLive((state) => state.git);
  const count = git?.changes.length ?? 0;
  return (
    <>
      {git?.branch !== undefined && (
        <span
          className="pick still branch"
          title={git.upstream === undefined ? git.branch : `${git.branch}, follows ${git.upstream}`}
        >
          <span className="dim">branch</span> <span className="mono ellipsis">{git.branch}</span>
          {git.ahead > 0 && (
            <span className="dim mono" title={`${git.ahead} commits not pushed`}>
              ↑{git.ahead}
            </span>
          )}
          {git.behind > 0 && (
            <span className="dim mono" title={`${git.behind} commits not pulled`}>
              ↓{git.behind}
            </span>
          )}
        </span>
      )}
      <Button
        onClick={() => openDialog({ kind: 'commit' })}
        rightSection={count > 0 ? <span className="mono dim">{count}</span> : undefined}
        title={`${count} changed files`}
      >
        Commit
      </Button>
    </>
  );
}
