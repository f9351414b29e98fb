import { create } from 'zustand';
import { persist } from 'zustand/middleware';

export type CentreView = 'editor' | 'graph' | 'split';
export type BottomTab = 'problems' | 'changes' | 'traffic' | 'agent' | 'inspector';
export type ExplorerTab = 'apis' | 'files';

export interface Layout {
  readonly centre: CentreView;
  readonly bottom: BottomTab;
  readonly explorer: ExplorerTab;
  readonly inspectorOpen: boolean;
  readonly bottomOpen: boolean;
}

/** Which views are shown; remembered by the browser (sizes are remembered by the panels themselves). */
export const useLayout = create<Layout>()(
  persist<Layout>(
    () => ({ centre: 'split', bottom: 'problems', explorer: 'apis', inspectorOpen: true, bottomOpen: true }),
    { name: 'adit-layout' },
  ),
);

export function showBottom(bottom: BottomTab): void {
  useLayout.setState({ bottom, bottomOpen: true });
}
