import type { BackendConfig } from '../../shared/gateway/config.ts';

/** Smooth weighted round robin: shares are exact over a round, and heavy backends are not chosen in a row. */
export function backendPicker(backends: readonly BackendConfig[]): () => BackendConfig | undefined {
  const able = backends.filter(({ weight }) => weight > 0);
  const [only] = able;
  if (only === undefined || able.length === 1) return () => only;
  const total = able.reduce((sum, { weight }) => sum + weight, 0);
  const turns = able.map((backend) => ({ backend, current: 0 }));
  return () => {
    let best: { backend: BackendConfig; current: number } | undefined;
    for (const turn of turns) {
      turn.current += turn.backend.weight;
      if (best === undefined || turn.current > best.current) best = turn;
    }
    if (best === undefined) return undefined;
    best.current -= total;
    return best.backend;
  };
}
