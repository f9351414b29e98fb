import { create } from 'zustand';
import type { Failure } from '../../../shared/result/result.ts';

export interface Tab {
  readonly path: string;
  readonly dirty: boolean;
  readonly state: 'loading' | 'ready' | 'failed';
  readonly failure?: Failure;
  /** What happened on disk below unsaved text. */
  readonly outside?: 'changed' | 'gone';
}

export interface Tabs {
  readonly tabs: readonly Tab[];
  readonly active: string | null;
}

/** The open files; their texts live in `buffers.ts`, outside React. */
export const useTabs = create<Tabs>()(() => ({ tabs: [], active: null }));

export function patchTab(path: string, change: Partial<Omit<Tab, 'path'>>): void {
  useTabs.setState((state) => ({ tabs: state.tabs.map((tab) => (tab.path === path ? { ...tab, ...change } : tab)) }));
}

/** What is known of the disk is as good as the buffer again. */
export function settleTab(path: string, dirty: boolean): void {
  useTabs.setState((state) => ({
    tabs: state.tabs.map((tab) => (tab.path === path ? { path, dirty, state: 'ready' } : tab)),
  }));
}

export function removeTab(path: string): void {
  useTabs.setState((state) => {
    const at = state.tabs.findIndex((tab) => tab.path === path);
    const tabs = state.tabs.filter((tab) => tab.path !== path);
    const next = tabs[Math.min(at, tabs.length - 1)]?.path ?? null;
    return { tabs, active: state.active === path ? next : state.active };
  });
}
