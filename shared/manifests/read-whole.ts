import { parseAllDocuments, type Document } from 'yaml';
import { libraryPlaces, locate, rangeAt } from './locate.ts';
import { objectsIn, type ObjectsFound } from './objects-in.ts';
import { plainValue } from './plain-value.ts';
import { reportFile } from './report.ts';
import { tooComplex } from './too-complex.ts';
import type { YamlText } from './yaml-text.ts';

const START = { start: { line: 1, column: 1 }, end: { line: 1, column: 1 } };

/** The objects of a text by the library, which reads all of YAML and JSON and says what is wrong. */
export function readWhole(source: YamlText): ObjectsFound {
  const { file, namespace, text, lines } = source;
  const complex = tooComplex(text);
  if (complex !== undefined) {
    const range = rangeAt(lines, complex.offset, complex.offset + 1);
    const message = `the file is too complex to read: ${complex.reason}`;
    const hint = 'Correct it here, or split the file.';
    return { documents: [], diagnostics: [reportFile(file, 'yaml-too-complex', range, message, { hint })] };
  }
  let parsed: readonly Document.Parsed[];
  try {
    const all = parseAllDocuments(text, {
      prettyErrors: false,
      strict: true,
      // Checked by us in linear time: the library's check is quadratic in the number of keys.
      uniqueKeys: false,
      logLevel: 'silent',
    });
    parsed = Array.isArray(all) ? all : [];
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const message = 'the file is nested too deeply to read';
    return { documents: [], diagnostics: [reportFile(file, 'yaml-too-complex', START, message)] };
  }

  const found: ObjectsFound = { documents: [], diagnostics: [] };
  for (const [index, yaml] of parsed.entries()) {
    if (yaml.errors.length > 0) {
      for (const { pos, message, code } of yaml.errors) {
        const range = rangeAt(lines, pos[0], pos[1]);
        found.diagnostics.push(reportFile(file, 'yaml-syntax', range, firstLine(message), syntaxHint(code)));
      }
      continue;
    }
    const { value, problems } = plainValue(yaml);
    for (const { code, message, offset, end, hint } of problems)
      found.diagnostics.push(
        reportFile(file, code, rangeAt(lines, offset, end), message, hint === undefined ? {} : { hint }),
      );
    const places = libraryPlaces(yaml);
    objectsIn({ file, index, namespace, locate: (path, what) => locate(places, source, path, what) }, value, found);
  }
  return found;
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0] ?? message;
}

function syntaxHint(code: string): { hint?: string } {
  if (code === 'TAB_AS_INDENT') return { hint: 'Indent with spaces.' };
  if (code === 'BAD_INDENT') return { hint: 'Check the indentation of this line and the ones above.' };
  return {};
}
