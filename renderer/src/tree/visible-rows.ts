export interface TreeItem<T> {
  readonly id: string;
  readonly item: T;
  readonly children: readonly TreeItem<T>[];
}

export interface TreeRow<T> {
  readonly id: string;
  readonly item: T;
  /** 1 at the root, as `aria-level` wants. */
  readonly level: number;
  readonly expandable: boolean;
  readonly expanded: boolean;
  readonly position: number;
  readonly siblings: number;
  readonly parent: number;
}

/** The rows that a tree shows, top to bottom, when the items in `closed` hide their children. */
export function visibleRows<T>(roots: readonly TreeItem<T>[], closed: ReadonlySet<string>): TreeRow<T>[] {
  const rows: TreeRow<T>[] = [];
  function walk(items: readonly TreeItem<T>[], level: number, parent: number): void {
    for (const [at, { id, item, children }] of items.entries()) {
      const expanded = children.length > 0 && !closed.has(id);
      const own =
        rows.push({
          id,
          item,
          level,
          expandable: children.length > 0,
          expanded,
          position: at + 1,
          siblings: items.length,
          parent,
        }) - 1;
      if (expanded) walk(children, level + 1, own);
    }
  }
  walk(roots, 1, -1);
  return rows;
}
