import { useRef, type KeyboardEvent, type ReactNode } from 'react';

interface TabBarProps<Id extends string> {
  readonly label: string;
  readonly tabs: readonly { readonly id: Id; readonly label: string; readonly count?: ReactNode }[];
  readonly active: Id | null;
  readonly onChange: (id: Id) => void;
  /** Controls at the right end. */
  readonly children?: ReactNode;
}

/** Tabs with arrow keys; the name of a tab is its label and its count. */
export function TabBar<Id extends string>({ label, tabs, active, onChange, children }: TabBarProps<Id>) {
  const list = useRef<HTMLDivElement>(null);

  function onKeyDown(event: KeyboardEvent): void {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (step === 0) return;
    const at = tabs.findIndex((tab) => tab.id === active);
    const next = (at + step + tabs.length) % tabs.length;
    const tab = tabs[next];
    if (!tab) return;
    event.preventDefault();
    onChange(tab.id);
    list.current?.querySelectorAll('button')[next]?.focus();
  }

  return (
    <div className="tab-bar">
      <div role="tablist" aria-label={label} className="tab-list" ref={list} onKeyDown={onKeyDown}>
        {tabs.map((tab, at) => (
          <button
            key={tab.id}
            type="button"
            role="tab"
            className="tab"
            aria-selected={tab.id === active}
            tabIndex={tab.id === active || (active === null && at === 0) ? 0 : -1}
            onClick={() => onChange(tab.id)}
          >
            {tab.label}
            {tab.count !== undefined && ' '}
            {tab.count !== undefined && <span className="tab-count">{tab.count}</span>}
          </button>
        ))}
      </div>
      {children !== undefined && <div className="tab-tools">{children}</div>}
    </div>
  );
}
