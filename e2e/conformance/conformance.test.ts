import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kubeBinaries } from '../kube/binaries.ts';
import { root } from '../support/running-stack.ts';
import { CASES } from './cases/cases.ts';
import type { ConformanceCase } from './conformance-case.ts';
import { conformanceDocument } from './document.ts';
import { generatedCases } from './generated.ts';
import { Rig } from './rig.ts';

const binaries = await kubeBinaries();
const RUNS = 12;
const runs = Number(process.env['ADIT_CONFORMANCE_RUNS'] ?? RUNS);
const seed = Number(process.env['ADIT_CONFORMANCE_SEED'] ?? 1);
const document = join(root, 'docs/conformance.md');

describe.skipIf(binaries === undefined)('a real Traefik and the preview answer alike', () => {
  let rig: Rig;
  beforeAll(async () => {
    if (binaries === undefined) return;
    rig = await Rig.start(binaries);
  }, 600_000);
  afterAll(() => rig?.stop());

  const agree = async (one: ConformanceCase): Promise<void> => {
    const verdicts = await rig.run(one);
    const found = verdicts.flatMap(({ ask, differences }) =>
      differences.map((difference) => `${JSON.stringify(ask)}: ${difference}`),
    );
    expect(found, one.manifests).toEqual([]);
  };
  for (const one of CASES) test(one.name, () => agree(one));
  for (const one of generatedCases(runs, seed)) test(one.name, () => agree(one));
});

test('the document tells what is compared', () => {
  const text = conformanceDocument(CASES, RUNS);
  if (process.env['ADIT_WRITE_DOCS'] === '1') writeFileSync(document, text);
  expect(readFileSync(document, 'utf8'), 'write it anew with ADIT_WRITE_DOCS=1').toBe(text);
});
