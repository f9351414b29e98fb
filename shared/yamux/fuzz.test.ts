import { describe, expect, it } from 'vitest';
import { fuzzSession } from './testing/fuzz-session.ts';

describe('a session that is fed nearly right frames', () => {
  it('never throws, never exceeds its bounds, and leaves nothing behind', async () => {
    const codes = new Map<string, number>();
    let opened = 0;
    for (let seed = 1; seed <= 1500; seed++) {
      const outcome = await fuzzSession(seed);
      const code = outcome.code ?? 'survived';
      codes.set(code, (codes.get(code) ?? 0) + 1);
      opened += outcome.streamsOpened;
    }
    // The input is worth something only if it gets deep: streams are opened, and sessions end in many ways.
    expect(opened).toBeGreaterThan(1500);
    expect(codes.size).toBeGreaterThan(6);
    expect(codes.get('yamux-internal')).toBeUndefined();
  });
});
