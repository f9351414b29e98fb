import { parseDuration } from '../duration.ts';

/** Milliseconds of what Traefik takes for a duration: a number of seconds, also as text, or a duration of Go. */
export function serviceDuration(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value * 1000 : undefined;
  if (typeof value !== 'string') return undefined;
  if (/^[+-]?\d{1,12}$/.test(value)) return Number(value) * 1000;
  const ns = parseDuration(value);
  return ns === undefined ? undefined : Number(ns) / 1e6;
}
