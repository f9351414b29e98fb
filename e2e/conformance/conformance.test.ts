import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kubeBinaries } from '../kube/binaries.ts';
import { root } from '../support/running-stack.ts';
import { TRAEFIK_DEFAULTS } from '../../shared/manifests/traefik-options.ts';
import { CASES } from './cases/cases.ts';
import { OPTION_CASES } from './cases/options.ts';
import type { ConformanceCase } from './conformance-case.ts';
import { conformanceDocument } from './document.ts';
import { generatedHttpRoutes } from './generated-http-routes.ts';
import { generatedIngressRoutes } from './generated-ingress-routes.ts';
import { generatedIngresses } from './generated-ingresses.ts';
import { Rig } from './rig.ts';

const binaries = await kubeBinaries();
const RUNS = 12;
const runs = Number(process.env['ADIT_CONFORMANCE_RUNS'] ?? RUNS);
const seed = Number(process.env['ADIT_CONFORMANCE_SEED'] ?? 1);
const document = join(root, 'docs/conformance.md');

/** As Traefik comes, and with the options of its providers that a workspace may have on. */
const SETTINGS = [
  { options: TRAEFIK_DEFAULTS, cases: CASES },
  { options: { allowCrossNamespace: true, strictPrefixMatching: true }, cases: OPTION_CASES },
] as const;

describe.skipIf(binaries === undefined).for(SETTINGS)(
  'a real Traefik and the preview answer alike, $options',
  ({ options, cases }) => {
    let rig: Rig;
    beforeAll(async () => {
      if (binaries === undefined) return;
      rig = await Rig.start(binaries, options);
    }, 600_000);
    afterAll(() => rig?.stop());

    const agree = async (one: ConformanceCase): Promise<void> => {
      const verdicts = await rig.run(one);
      const found = verdicts.flatMap(({ ask, differences }) =>
        differences.map((difference) => `${JSON.stringify(ask)}: ${difference}`),
      );
      expect(found, one.manifests).toEqual([]);
    };
    for (const one of cases) test(one.name, () => agree(one));
    if (options !== TRAEFIK_DEFAULTS) return;
    for (const generated of [generatedIngressRoutes, generatedIngresses, generatedHttpRoutes])
      for (const one of generated(runs, seed)) test(one.name, () => agree(one));
  },
);

test('the document tells what is compared', () => {
  const text = conformanceDocument(CASES, RUNS);
  if (process.env['ADIT_WRITE_DOCS'] === '1') writeFileSync(document, text);
  expect(readFileSync(document, 'utf8'), 'write it anew with ADIT_WRITE_DOCS=1').toBe(text);
});
