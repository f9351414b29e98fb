import { create } from 'zustand';

export interface TrafficState {
  readonly filter: string;
  readonly paused: boolean;
  /** Id of the exchange whose detail is open. */
  readonly selected: string | null;
}

export const useTraffic = create<TrafficState>()(() => ({ filter: '', paused: false, selected: null }));
