import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** `all`: also what V8 keeps to be faster next time, code that did not run lately among it; takes about twice as long as `major`. */
export type Collection = 'minor' | 'major' | 'all';

const OPTIONS = {
  minor: { type: 'minor', execution: 'sync' },
  major: { type: 'major', execution: 'sync' },
  all: { type: 'major', execution: 'sync', flavor: 'last-resort' },
} as const;

let gc: ((options: (typeof OPTIONS)[Collection]) => void) | undefined;

/** Collects garbage now, and returns when that is done; does nothing where V8 no longer lets a program ask for it. */
export function collect(kind: Collection): void {
  gc ??= exposedGc();
  gc(OPTIONS[kind]);
}

/** Made at first use: a process that carries little pays nothing for it. */
function exposedGc(): (options: (typeof OPTIONS)[Collection]) => void {
  setFlagsFromString('--expose-gc');
  const found: unknown = runInNewContext('gc');
  setFlagsFromString('--no-expose-gc');
  if (typeof found !== 'function') return () => {};
  return (options) => void found(options);
}
