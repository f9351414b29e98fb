import { describe, expect, it } from 'vitest';
import { interleave } from './testing/interleave.ts';

describe('two sessions over a carrier of which every step is drawn', () => {
  it('bring every byte once and in order, tell everybody of the end, and leave nothing counted', async () => {
    let bytes = 0;
    const ends = new Set<string | undefined>();
    for (let seed = 1; seed <= 600; seed++) {
      const run = await interleave(seed);
      bytes += run.bytes;
      for (const end of run.ends) ends.add(end);
    }
    expect(bytes).toBeGreaterThan(10_000_000);
    expect(ends).toEqual(new Set([undefined, 'in order', 'yamux-connection-lost']));
  });
});
