import type { Link, PreviewStatus } from '../shared/agent/api.ts';

export type PreviewState = PreviewStatus['state'];

/**
 * What a preview is called, from what is known: `failed` when nothing can be served or no host be had, `live` with as many
 * links as wanted, `degraded` with some, `connecting` with none.
 */
export function previewState(facts: {
  readonly running: boolean;
  readonly failed: boolean;
  readonly links: readonly Link[];
  readonly wanted: number;
}): PreviewState {
  if (!facts.running) return 'off';
  if (facts.failed) return 'failed';
  const up = facts.links.filter(({ state }) => state === 'up').length;
  if (up === 0) return 'connecting';
  return up >= facts.wanted ? 'live' : 'degraded';
}
