import { buildAll } from '../../scripts/build.ts';
import { isBuilt } from '../../scripts/source-digest.ts';

/** The product's tests run the bundle: it must be that of the sources. */
export default async function buildIfStale(): Promise<void> {
  if (!(await isBuilt())) await buildAll();
}
