import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useMemo, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import { sizes } from '../theme/tokens.ts';
import { visibleRows, type TreeItem, type TreeRow } from './visible-rows.ts';

interface VirtualTreeProps<T> {
  readonly label: string;
  readonly roots: readonly TreeItem<T>[];
  readonly selected: string | null;
  /** Shows a row as a heading that cannot be selected. */
  readonly isHeading?: (item: T) => boolean;
  readonly nameOf: (item: T) => string;
  readonly render: (item: T, row: TreeRow<T>) => ReactNode;
  readonly onSelect: (item: T, row: TreeRow<T>) => void;
  readonly onContext?: (item: T, at: { x: number; y: number }) => void;
}

/** A tree of any length: only what is seen is in the page; one row has the focus (WAI-ARIA tree pattern). */
export function VirtualTree<T>(props: VirtualTreeProps<T>) {
  const { label, roots, selected, onSelect } = props;
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const rows = useMemo(() => visibleRows(roots, closed), [roots, closed]);
  const [current, setCurrent] = useState<string | null>(null);
  const wantsFocus = useRef(false);
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => sizes.rowPx,
    overscan: 12,
    getItemKey: (at) => rows[at]?.id ?? at,
  });
  const selectedAt = rows.findIndex((row) => row.id === selected);
  const sectioned = roots.some((root) => props.isHeading?.(root.item) ?? false);
  const focusAt = Math.max(
    0,
    rows.findIndex((row) => row.id === (current ?? selected)),
  );

  useEffect(() => {
    if (selectedAt < 0) return;
    setCurrent(selected);
    virtual.scrollToIndex(selectedAt, { align: 'auto' });
    // Only when another thing was selected, not whenever the rows change.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [selected]);

  useEffect(() => {
    if (!wantsFocus.current) return;
    wantsFocus.current = false;
    scroller.current?.querySelector<HTMLElement>('[role="treeitem"][tabindex="0"]')?.focus();
  });

  function toggle(id: string, open: boolean): void {
    setClosed((before) => {
      const next = new Set(before);
      if (open) next.delete(id);
      else next.add(id);
      return next;
    });
  }

  function move(to: number): void {
    const row = rows[Math.max(0, Math.min(rows.length - 1, to))];
    if (!row) return;
    wantsFocus.current = true;
    setCurrent(row.id);
    virtual.scrollToIndex(rows.indexOf(row), { align: 'auto' });
  }

  function onKeyDown(event: KeyboardEvent): void {
    const row = rows[focusAt];
    if (!row) return;
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / sizes.rowPx) - 1);
    const keys: Record<string, () => void> = {
      ArrowDown: () => move(focusAt + 1),
      ArrowUp: () => move(focusAt - 1),
      PageDown: () => move(focusAt + page),
      PageUp: () => move(focusAt - page),
      Home: () => move(0),
      End: () => move(rows.length - 1),
      ArrowRight: () => (row.expandable && !row.expanded ? toggle(row.id, true) : move(focusAt + 1)),
      ArrowLeft: () => (row.expanded ? toggle(row.id, false) : move(row.parent)),
      Enter: () => choose(row),
      ' ': () => choose(row),
    };
    const act = keys[event.key];
    if (act && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      act();
      return;
    }
    if (event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const letter = event.key.toLowerCase();
      const after = [...rows.slice(focusAt + 1), ...rows.slice(0, focusAt)].find((next) =>
        props.nameOf(next.item).toLowerCase().startsWith(letter),
      );
      if (after) move(rows.indexOf(after));
    }
  }

  function choose(row: TreeRow<T>): void {
    setCurrent(row.id);
    if (props.isHeading?.(row.item)) toggle(row.id, !row.expanded);
    else onSelect(row.item, row);
  }

  return (
    <div className="tree-scroller" ref={scroller}>
      <div
        role="tree"
        aria-label={label}
        className="tree"
        style={{ height: virtual.getTotalSize() }}
        onKeyDown={onKeyDown}
      >
        {virtual.getVirtualItems().map(({ index, key, start }) => {
          const row = rows[index];
          if (!row) return null;
          const heading = props.isHeading?.(row.item) ?? false;
          return (
            <div
              key={key}
              role="treeitem"
              aria-level={row.level}
              aria-posinset={row.position}
              aria-setsize={row.siblings}
              aria-selected={row.id === selected}
              {...(row.expandable ? { 'aria-expanded': row.expanded } : {})}
              tabIndex={index === focusAt ? 0 : -1}
              className={heading ? 'tree-row heading' : 'tree-row'}
              style={{
                transform: `translateY(${start}px)`,
                paddingLeft: 6 + Math.max(0, row.level - (sectioned ? 2 : 1)) * 12,
              }}
              onClick={() => choose(row)}
              onContextMenu={(event) => {
                if (!props.onContext) return;
                event.preventDefault();
                choose(row);
                props.onContext(row.item, { x: event.clientX, y: event.clientY });
              }}
            >
              <span
                className="tree-twist"
                aria-hidden
                data-open={row.expanded || undefined}
                onClick={(event) => {
                  if (!row.expandable || heading) return;
                  event.stopPropagation();
                  toggle(row.id, !row.expanded);
                }}
              >
                {row.expandable ? '›' : ''}
              </span>
              {props.render(row.item, row)}
            </div>
          );
        })}
      </div>
    </div>
  );
}
