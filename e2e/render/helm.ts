import { join } from 'node:path';
import { findProgram, type Recipe } from '../../bench/peers/find-program.ts';

const VERSION = 'v3.19.0';
const recipe: Recipe = {
  name: 'helm',
  version: VERSION,
  tool: 'go',
  cwd: join(import.meta.dirname, 'tools'),
  env: { CGO_ENABLED: '0' },
  args: (into) => [
    'build',
    '-mod=readonly',
    '-trimpath',
    `-ldflags=-s -w -X helm.sh/helm/v3/internal/version.version=${VERSION}`,
    '-o',
    join(into, 'helm'),
    'helm.sh/helm/v3/cmd/helm',
  ],
};

/** Path of a real Helm: of the machine, or built once from its Go module. Undefined, told, where that is not possible. */
export async function findHelm(): Promise<string | undefined> {
  const found = await findProgram(recipe);
  if (typeof found === 'string') return found;
  if (process.env['CI'] === 'true') throw new Error(`${found.missing}. CI=true requires a real Helm.`);
  console.warn(`REAL HELM: ${found.missing}. SKIPPING every test of charts.`);
  return undefined;
}
