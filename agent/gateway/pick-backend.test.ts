import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backendPicker } from './pick-backend.ts';

test('shares over a round are exactly the weights, and weight 0 is never chosen', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 6 }), (weights) => {
      const pick = backendPicker(weights.map((weight, at) => ({ upstream: String(at), weight, passHostHeader: true })));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      const counts = weights.map(() => 0);
      for (let call = 0; call < total; call++) counts[Number(pick()?.upstream)]! += 1;
      expect(counts).toEqual(weights);
      if (total === 0) expect(pick()).toBeUndefined();
    }),
  );
});
