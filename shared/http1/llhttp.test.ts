import { describe, expect, test } from 'vitest';
import { compareResponsesWithLlhttp } from '../../bench/fuzz-http1-responses.ts';
import { compareRequestsWithLlhttp } from '../../bench/fuzz-http1.ts';

describe('what strict llhttp refuses is refused, and what both accept is read the same', () => {
  test('requests', async () => {
    const { accepted, refused } = await compareRequestsWithLlhttp(3000);
    expect(accepted).toBeGreaterThan(400);
    expect(refused).toBeGreaterThan(400);
  });

  test('responses', async () => {
    const { accepted, refused } = await compareResponsesWithLlhttp(3000);
    expect(accepted).toBeGreaterThan(400);
    expect(refused).toBeGreaterThan(400);
  });
});
