import { createContext, use } from 'react';
import type { Bridge } from '../../shared/contract/contract.ts';
import type { Buffers } from './editor/buffers.ts';

export interface App {
  readonly bridge: Bridge;
  readonly buffers: Buffers;
}

export const AppContext = createContext<App | null>(null);

export function useApp(): App {
  const app = use(AppContext);
  if (!app) throw new Error('useApp is used outside of AppContext');
  return app;
}
