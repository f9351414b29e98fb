import { expect } from 'vitest';

/** Resolves once a count that has begun to grow is the same for a tenth of a second. */
export async function standsStill(count: () => number): Promise<void> {
  let before = -1;
  const isStill = (): boolean => {
    const now = count();
    const still = now === before && now > 0;
    before = now;
    return still;
  };
  await expect.poll(isStill, { interval: 100, timeout: 10_000 }).toBe(true);
}
