import { create } from 'zustand';
import { indexModel, type Key } from './model-index.ts';
import { useLive } from './live.ts';

export interface Place {
  readonly path: string;
  readonly line: number;
  readonly column: number;
}

export interface Selection {
  readonly key: Key | null;
  /** Where the editor shall go; a new object each time, also for the same place. */
  readonly place: Place | null;
}

/** What is selected, for every view. */
export const useSelection = create<Selection>()(() => ({ key: null, place: null }));

/** Selects a thing and has the editor show its document, if it has one. */
export function selectKey(key: Key | null): void {
  if (key === null) {
    useSelection.setState({ key, place: null });
    return;
  }
  const index = indexModel(useLive.getState().model);
  const found = index.objects.get(key) ?? index.nodes.get(key);
  const place = found?.file === undefined ? null : { path: found.file, line: found.line ?? 1, column: 1 };
  useSelection.setState({ key, place });
}

/** The cursor went into a document: everything follows but the editor. */
export function followCursor(key: Key | null): void {
  if (useSelection.getState().key !== key) useSelection.setState({ key, place: null });
}

export function goTo(place: Place, key?: Key): void {
  useSelection.setState(key === undefined ? { place: { ...place } } : { key, place: { ...place } });
}
