import { ActionIcon, Menu, Tooltip } from '@mantine/core';
import { useMemo, useState } from 'react';
import { useApp } from '../app-context.tsx';
import { useTabs } from '../editor/tabs.ts';
import { openDialog } from '../state/dialogs.ts';
import { useLive } from '../state/live.ts';
import { indexModel } from '../state/model-index.ts';
import { VirtualTree } from '../tree/virtual-tree.tsx';
import { fileTree, parentOf, type FileRow } from './file-tree.ts';

export function FileExplorer() {
  const { buffers } = useApp();
  const files = useLive((state) => state.files);
  const model = useLive((state) => state.model);
  const active = useTabs((state) => state.active);
  const roots = useMemo(() => fileTree(files), [files]);
  const [chosen, setChosen] = useState<FileRow | null>(null);
  const [menu, setMenu] = useState<{ x: number; y: number } | null>(null);
  const target =
    chosen && files.some((file) => file.path === chosen.path || file.path.startsWith(`${chosen.path}/`))
      ? chosen
      : null;
  const folder = target ? (target.folder ? target.path : parentOf(target.path)) : '';
  const { problemsOfFile } = indexModel(model);

  function rename(): void {
    if (target) openDialog({ kind: 'rename', path: target.path });
  }
  function remove(): void {
    if (target) openDialog({ kind: 'delete', path: target.path, folder: target.folder });
  }

  return (
    <div
      className="file-explorer"
      onKeyDown={(event) => {
        if (event.key === 'F2') rename();
        if (event.key === 'Delete') remove();
      }}
    >
      <div className="mini-bar" role="toolbar" aria-label="Files">
        <span className="grow" />
        <IconButton label="New file" onClick={() => openDialog({ kind: 'new-file', folder })}>
          +
        </IconButton>
        <IconButton label="Rename" disabled={!target} onClick={rename}>
          ✎
        </IconButton>
        <IconButton label="Delete" disabled={!target} onClick={remove}>
          ×
        </IconButton>
      </div>
      {roots.length === 0 && (
        <div className="empty">
          <p>This folder is empty.</p>
        </div>
      )}
      <VirtualTree
        label="Files"
        roots={roots}
        selected={target?.path ?? active}
        nameOf={(item) => item.name}
        onSelect={(item) => {
          setChosen(item);
          if (!item.folder) buffers.open(item.path);
        }}
        onContext={(_item, at) => setMenu(at)}
        render={(item) => {
          const worst = problemsOfFile.get(item.path)?.find((problem) => problem.severity !== 'info')?.severity;
          return (
            <>
              <span className={item.folder ? 'ellipsis' : 'ellipsis mono'} title={item.path}>
                {item.name}
              </span>
              <span className="tree-kind">
                {item.dirty && <span title="not saved">●</span>}
                {worst !== undefined && (
                  <span className={worst} title={`has ${worst}s`}>
                    {worst === 'error' ? ' ▲' : ' △'}
                  </span>
                )}
              </span>
            </>
          );
        }}
      />
      <Menu opened={menu !== null} onChange={(open) => !open && setMenu(null)} position="bottom-start" withinPortal>
        <Menu.Target>
          <span className="menu-anchor" style={{ left: menu?.x ?? 0, top: menu?.y ?? 0 }} />
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={() => openDialog({ kind: 'new-file', folder })}>New file…</Menu.Item>
          <Menu.Item onClick={rename} rightSection={<kbd>F2</kbd>}>
            Rename…
          </Menu.Item>
          <Menu.Item color="bad" onClick={remove} rightSection={<kbd>Del</kbd>}>
            Delete…
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </div>
  );
}

function IconButton({
  label,
  children,
  ...rest
}: {
  label: string;
  children: string;
  disabled?: boolean;
  onClick: () => void;
}) {
  return (
    <Tooltip label={label} openDelay={400}>
      <ActionIcon aria-label={label} {...rest}>
        <span aria-hidden>{children}</span>
      </ActionIcon>
    </Tooltip>
  );
}
