import { Menu } from '@mantine/core';
import { useApp } from '../app-context.tsx';
import { openDialog } from '../state/dialogs.ts';
import { useLive } from '../state/live.ts';
import { openSample, openWorkspace } from './open-workspace.ts';

export function WorkspaceMenu() {
  const { bridge } = useApp();
  const { workspace, recent, info } = useLive();
  const others = recent.filter((one) => one.dir !== workspace?.dir).slice(0, 10);
  return (
    <Menu position="bottom-start" width={320}>
      <Menu.Target>
        <button
          type="button"
          className="pick workspace-pick"
          aria-label={workspace ? `Workspace: ${workspace.name}` : 'adit: no workspace'}
          title={workspace?.dir}
        >
          <span className="strong ellipsis">{workspace?.name ?? 'adit'}</span>
          <span aria-hidden className="dim">
            ▾
          </span>
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => openDialog({ kind: 'open-folder' })}>Open folder…</Menu.Item>
        <Menu.Item onClick={() => openDialog({ kind: 'clone' })}>Clone repository…</Menu.Item>
        {info?.sampleAvailable && (
          <Menu.Item onClick={() => void openSample(bridge)}>Open the sample workspace</Menu.Item>
        )}
        {others.length > 0 && (
          <>
            <Menu.Divider />
            <Menu.Label>Recent</Menu.Label>
            {others.map(({ dir, name }) => (
              <Menu.Item key={dir} title={dir} onClick={() => void openWorkspace(bridge, dir)}>
                <span className="two-lines">
                  <span className="ellipsis">{name}</span>
                  <span className="dim small mono ellipsis">{dir}</span>
                </span>
              </Menu.Item>
            ))}
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
