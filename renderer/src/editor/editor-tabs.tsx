import { useEffect, useRef } from 'react';
import { useApp } from '../app-context.tsx';
import { useTabs } from './tabs.ts';

export function EditorTabs() {
  const { buffers } = useApp();
  const { tabs, active } = useTabs();
  const list = useRef<HTMLDivElement>(null);

  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ inline: 'nearest', block: 'nearest' });
  }, [active]);

  function onKey(event: React.KeyboardEvent): void {
    const at = tabs.findIndex((tab) => tab.path === active);
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    const next = tabs[at + step];
    if (step !== 0 && next) {
      buffers.open(next.path);
      list.current?.querySelectorAll<HTMLElement>('[role="tab"]')[at + step]?.focus();
    } else if (event.key === 'Delete' && active !== null) buffers.close(active);
  }

  return (
    <div className="tab-bar editor-tabs" ref={list}>
      <div role="tablist" aria-label="Open files" className="tab-list" onKeyDown={onKey}>
        {tabs.map((tab) => {
          const name = tab.path.slice(tab.path.lastIndexOf('/') + 1);
          return (
            <div
              key={tab.path}
              className="editor-tab"
              data-active={tab.path === active || undefined}
              role="presentation"
            >
              <button
                type="button"
                role="tab"
                aria-selected={tab.path === active}
                tabIndex={tab.path === active ? 0 : -1}
                title={tab.path}
                aria-label={tab.dirty ? `${name}, not saved` : name}
                onClick={() => buffers.open(tab.path)}
                onAuxClick={(event) => event.button === 1 && buffers.close(tab.path)}
              >
                <span className="ellipsis">{name}</span>
              </button>
              <button
                type="button"
                className="tab-close"
                data-dirty={tab.dirty || undefined}
                tabIndex={-1}
                aria-hidden
                title={`Close ${name}`}
                onClick={() => buffers.close(tab.path)}
              >
                <span>{tab.dirty ? '●' : '×'}</span>
              </button>
            </div>
          );
        })}
      </div>
    </div>
  );
}
