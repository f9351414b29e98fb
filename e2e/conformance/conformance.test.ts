import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kubeBinaries } from '../kube/binaries.ts';
import { CASES } from './cases/cases.ts';
import { Rig } from './rig.ts';

const binaries = await kubeBinaries();

describe.skipIf(binaries === undefined)('a real Traefik and the preview answer alike', () => {
  let rig: Rig;
  beforeAll(async () => {
    if (binaries === undefined) return;
    rig = await Rig.start(binaries);
  }, 600_000);
  afterAll(() => rig.stop());

  for (const one of CASES) {
    test(one.name, async () => {
      const verdicts = await rig.run(one);
      const found = verdicts.flatMap(({ ask, differences }) =>
        differences.map((difference) => `${ask.method ?? 'GET'} ${ask.host ?? ''}${ask.target}: ${difference}`),
      );
      expect(found).toEqual([]);
    });
  }
});
