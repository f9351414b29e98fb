import { parseDuration } from '../duration.ts';

/** What a timer takes: a longer one would end at once, again and again. */
const MAX_MS = 2 ** 31 - 1;

/** Milliseconds of what Traefik takes for a duration: a number of seconds, also as text, or a duration of Go. */
export function serviceDuration(value: unknown): number | undefined {
  const ms = milliseconds(value);
  return ms === undefined ? undefined : Math.min(ms, MAX_MS);
}

function milliseconds(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value * 1000 : undefined;
  if (typeof value !== 'string') return undefined;
  if (/^[+-]?\d{1,12}$/.test(value)) return Number(value) * 1000;
  const ns = parseDuration(value);
  return ns === undefined ? undefined : Number(ns) / 1e6;
}
