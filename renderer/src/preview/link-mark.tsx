import type { Link } from '../../../shared/agent/api.ts';

const marks: Record<Link['state'], { shape: string; colour: string }> = {
  up: { shape: '●', colour: 'ok' },
  connecting: { shape: '◌', colour: 'info' },
  suspect: { shape: '◐', colour: 'warn' },
  draining: { shape: '◑', colour: 'warn' },
  waiting: { shape: '○', colour: 'bad' },
};

/** State of one link to a broker, by shape and colour. */
export function LinkMark({ state }: { state: Link['state'] }) {
  const { shape, colour } = marks[state];
  return (
    <span className="state-mark" style={{ color: `var(--a-${colour})` }} role="img" aria-label={state}>
      {shape}
    </span>
  );
}
