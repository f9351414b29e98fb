import { Modal, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { useEffect, useId, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { useApp } from '../app-context.tsx';
import { roleOf, roleWords } from '../graph/role.ts';
import { useLive } from '../state/live.ts';
import { indexModel, keyOfRef } from '../state/model-index.ts';
import { selectKey } from '../state/selection.ts';
import { commands, type Action } from './actions.ts';
import { keyName } from './key-name.ts';
import { usePalette } from './palette-store.ts';
import { searchActions } from './search-actions.ts';

/** Search and commands in one place: everything that can be done, every object, every file. */
export function CommandPalette() {
  const open = usePalette((state) => state.open);
  return (
    <Modal
      opened={open}
      onClose={close}
      withCloseButton={false}
      yOffset="12vh"
      centered={false}
      size={600}
      padding={0}
      attributes={{ content: { 'aria-label': 'Search and commands' } }}
      returnFocus
    >
      {open && <Palette />}
    </Modal>
  );
}

function close(): void {
  usePalette.setState({ open: false });
}

function Palette() {
  const app = useApp();
  const model = useLive((state) => state.model);
  const files = useLive((state) => state.files);
  const scheme = useComputedColorScheme('light', { getInitialValueInEffect: false });
  const { setColorScheme } = useMantineColorScheme();
  const [typed, setTyped] = useState('');
  const [at, setAt] = useState(0);
  const id = useId();
  const list = useRef<HTMLDivElement>(null);

  const actions = useMemo<Action[]>(() => {
    const { nodes } = indexModel(model);
    return [
      ...commands(app, { scheme, setScheme: setColorScheme }),
      ...model.objects.map((object): Action => {
        const key = keyOfRef(object.ref);
        const kind = roleWords[nodes.get(key)?.role ?? roleOf(object.ref.kind)];
        return {
          id: `object ${key}`,
          name: object.ref.name,
          group: 'Objects',
          detail: `${kind} in ${object.ref.namespace}`,
          run: () => selectKey(key),
        };
      }),
      ...files
        .filter((file) => file.kind === 'file')
        .map((file): Action => ({
          id: `file ${file.path}`,
          name: file.path,
          group: 'Files',
          run: () => app.buffers.open(file.path),
        })),
    ];
  }, [app, model, files, scheme, setColorScheme]);
  const found = useMemo(() => searchActions(actions, typed), [actions, typed]);
  const chosen = Math.min(at, found.length - 1);

  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' });
  }, [chosen]);

  function run(action: Action | undefined): void {
    if (!action) return;
    close();
    action.run();
  }

  function onKeyDown(event: KeyboardEvent): void {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      setAt((chosen + step + found.length) % Math.max(1, found.length));
    } else if (event.key === 'Enter') {
      event.preventDefault();
      run(found[chosen]);
    }
  }

  return (
    <div className="palette">
      <input
        className="palette-input"
        role="combobox"
        aria-label="Search or run a command"
        aria-expanded
        aria-controls={id}
        aria-activedescendant={found[chosen] ? `${id}-${chosen}` : undefined}
        placeholder="Search objects, files and commands"
        data-autofocus
        value={typed}
        onChange={(event) => {
          setTyped(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
      />
      <div id={id} role="listbox" aria-label="Results" className="palette-list" ref={list}>
        {found.map((action, index) => (
          <div
            key={action.id}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === chosen}
            className="palette-row"
            onMouseMove={() => setAt(index)}
            onClick={() => run(action)}
          >
            <span className={action.group === 'Files' ? 'mono ellipsis' : 'ellipsis'}>{action.name}</span>
            {action.detail !== undefined && <span className="dim small ellipsis palette-detail">{action.detail}</span>}
            {action.keys !== undefined ? (
              <kbd>{keyName(action.keys)}</kbd>
            ) : (
              <span className="tree-kind">
                {action.group === 'Commands' ? '' : action.group === 'Files' ? 'file' : ''}
              </span>
            )}
          </div>
        ))}
      </div>
      {found.length === 0 && <div className="empty dim">Nothing found.</div>}
    </div>
  );
}
