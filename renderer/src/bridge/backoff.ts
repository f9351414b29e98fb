/** Time before the next try after `failures` in a row: doubles from 250 ms to 10 s, with up to half of it left to chance. */
export function backoffMs(failures: number, random: () => number = Math.random): number {
  const full = Math.min(10_000, 250 * 2 ** Math.min(failures, 10));
  return Math.round(full / 2 + (full / 2) * random());
}
