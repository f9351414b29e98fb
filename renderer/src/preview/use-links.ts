import { useMemo } from 'react';
import type { Link } from '../../../shared/agent/api.ts';
import { useLive } from '../state/live.ts';

const none: readonly Link[] = [];

/** The links, always in the same order: a link that moves would be read as another one. */
export function useLinks(): readonly Link[] {
  const links = useLive((state) => (state.preview?.state === 'off' ? none : (state.preview?.links ?? none)));
  return useMemo(() => [...links].sort((a, b) => a.broker.localeCompare(b.broker)), [links]);
}
