import type { PreviewView } from '../../../shared/contract/contract.ts';

export interface PreviewWords {
  readonly state: PreviewView['state'];
  readonly label: string;
  readonly mark: string;
}

const marks: Record<PreviewView['state'], string> = {
  off: '▸',
  connecting: '◌',
  live: '●',
  degraded: '◐',
  failed: '▲',
};

/** What the button says: state, and how many of the wanted links are up. */
export function previewWords(preview: PreviewView | undefined, busy: boolean): PreviewWords {
  const state = preview?.state ?? 'off';
  if (state === 'off')
    return busy
      ? { state: 'connecting', label: 'Starting', mark: marks.connecting }
      : { state, label: 'Preview', mark: marks.off };
  const links = preview?.links ?? [];
  const up = links.filter((link) => link.state === 'up').length;
  const wanted = Math.max(preview?.wanted ?? 0, 1);
  const share = `${up}/${wanted}`;
  switch (state) {
    case 'connecting':
      return { state, label: `Connecting ${share}`, mark: marks.connecting };
    case 'live':
      return { state, label: `Live ${share}`, mark: marks.live };
    case 'degraded':
      return { state, label: `Degraded ${share}`, mark: marks.degraded };
    case 'failed':
      return { state, label: 'Failed', mark: marks.failed };
  }
}
