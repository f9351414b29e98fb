const UNIT_NS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};
const MAX_NS = (1n << 63n) - 1n;
const PART = /(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/y;

/** Nanoseconds of a Go duration (`1h30m`, `1.5s`, `-2ms`, `0`), as `time.ParseDuration` reads it; else undefined. */
export function parseDuration(text: string): bigint | undefined {
  if (text.length > 64) return undefined;
  const sign = text.startsWith('-') ? -1n : 1n;
  const body = text.startsWith('-') || text.startsWith('+') ? text.slice(1) : text;
  if (body === '0') return 0n;
  if (body === '') return undefined;
  let total = 0n;
  for (let at = 0; at < body.length; at = PART.lastIndex) {
    PART.lastIndex = at;
    const match = PART.exec(body);
    if (match === null) return undefined;
    const [, whole = '', fraction = '', unit = ''] = match;
    const scale = UNIT_NS[unit];
    if (scale === undefined || (whole === '' && fraction === '')) return undefined;
    total += BigInt(whole === '' ? 0 : whole) * scale;
    if (fraction !== '') total += (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length);
  }
  return total > MAX_NS ? undefined : sign * total;
}

/** Milliseconds, rounded down, of a positive Go duration. */
export function durationMs(text: string): number | undefined {
  const ns = parseDuration(text);
  return ns === undefined || ns <= 0n ? undefined : Number(ns / 1_000_000n);
}

/** The short words of people for a period: `1s` → `s`, `24h` → `day`, `90s` → `90s`. */
export function periodWords(periodMs: number): string {
  const names: readonly (readonly [number, string])[] = [
    [86_400_000, 'day'],
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1_000, 's'],
  ];
  for (const [ms, name] of names) {
    if (periodMs === ms) return name;
    if (periodMs % ms === 0) return name === 'day' ? `${periodMs / ms} days` : `${periodMs / ms} ${name}`;
  }
  return `${periodMs} ms`;
}
