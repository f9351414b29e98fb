import type { FieldPath } from '../../shared/manifests/field-path.ts';

/** Below these the API server rewrites quantities into their shortest form (`1000m` becomes `1`). */
const QUANTITIES = new Set(['limits', 'requests', 'hard', 'capacity', 'storage', 'sizeLimit', 'overhead']);

/** Equality as the API server sees it: int-or-string fields, and quantities where they are ones. */
export function equalScalars(file: unknown, live: unknown, path: FieldPath): boolean {
  if (file === live) return true;
  if (typeof file === 'number' && typeof live === 'string') return String(file) === live;
  if (typeof file === 'string' && typeof live === 'number') return file === String(live);
  if (!path.some((segment) => typeof segment === 'string' && QUANTITIES.has(segment))) return false;
  const a = quantity(file);
  const b = quantity(live);
  return a !== undefined && b !== undefined && Math.abs(a - b) <= Number.EPSILON * 4 * Math.abs(a);
}

/** What Go leaves out by `omitempty`. */
export function isZero(value: unknown): boolean {
  return value === '' || value === 0 || value === false;
}

/** Powers of ten and two. Source: apimachinery `pkg/api/resource/suffix.go`. */
const SUFFIXES: Readonly<Record<string, number>> = {
  n: 1e-9, u: 1e-6, m: 1e-3, '': 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18,
  Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50, Ei: 2 ** 60,
}; // prettier-ignore

function quantity(value: unknown): number | undefined {
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([numkMGTPE]|[KMGTPE]i)?$/.exec(String(value));
  const scale = SUFFIXES[match?.[2] ?? ''];
  return match?.[1] === undefined || scale === undefined ? undefined : Number(match[1]) * scale;
}
