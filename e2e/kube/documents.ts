import { parseFile } from '../../shared/manifests/parse.ts';
import type { ManifestDocument } from '../../shared/manifests/types.ts';

/** Documents of a text as the application reads them; a text that has problems is a mistake of the test. */
export function documentsOf(text: string): readonly ManifestDocument[] {
  const parsed = parseFile({ path: 'test.yaml', text });
  if (parsed.diagnostics.some(({ severity }) => severity === 'error'))
    throw new Error(JSON.stringify(parsed.diagnostics));
  return parsed.documents;
}
