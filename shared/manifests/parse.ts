import { rangeAt } from './locate.ts';
import { isOtherFile } from './other-file.ts';
import { readPlainly } from './plain-yaml/read-plainly.ts';
import { readWhole } from './read-whole.ts';
import { reportFile } from './report.ts';
import type { Diagnostic, ManifestDocument, SourceFile } from './types.ts';
import { linesIn } from './yaml-text.ts';

export interface ParsedFile {
  readonly documents: readonly ManifestDocument[];
  readonly diagnostics: readonly Diagnostic[];
}

/** An object in a cluster is at most about 1.5 MiB, etcd's limit for a request. */
export const MAX_FILE_BYTES = 2 * 1024 * 1024;
/** What a file of that size has at most; the reader slows down with the square of broken lines. */
const MAX_LINES = 60_000;
/** Diagnostics of one broken file; more do not help anyone. */
const MAX_PROBLEMS = 50;
const START = { start: { line: 1, column: 1 }, end: { line: 1, column: 1 } };

/**
 * The Kubernetes objects of a YAML (one or many documents) or JSON file, with the position of every field. Never
 * throws: what cannot be read becomes a diagnostic. Files that plainly are something else yield nothing.
 */
export function parseFile(file: SourceFile, namespace = 'default'): ParsedFile {
  if (isOtherFile(file)) return { documents: [], diagnostics: [] };
  if (file.text.length > MAX_FILE_BYTES) {
    const message = `the file is larger than ${MAX_FILE_BYTES / 1024 / 1024} MiB and is not read`;
    return {
      documents: [],
      diagnostics: [
        reportFile(file.path, 'file-too-large', START, message, {
          hint: 'Split it, or leave it out by `manifests:` in adit.yaml.',
        }),
      ],
    };
  }
  // Readers put U+FFFD in the place of bytes that are not UTF-8.
  const stray = ['\u0000', '\uFFFD'].map((mark) => file.text.indexOf(mark)).find((at) => at >= 0) ?? -1;
  if (stray >= 0) {
    const range = rangeAt(linesIn(file.text), stray, stray + 1);
    const hint = 'Save the file as UTF-8 text.';
    return {
      documents: [],
      diagnostics: [reportFile(file.path, 'yaml-syntax', range, 'the file is not UTF-8 text', { hint })],
    };
  }
  const source = file.text.startsWith('\uFEFF') ? file.text.slice(1) : file.text;
  const lines = linesIn(source);
  if (lines.lineStarts.length > MAX_LINES) {
    const message = `the file has more than ${MAX_LINES} lines and is not read`;
    return {
      documents: [],
      diagnostics: [
        reportFile(file.path, 'yaml-too-complex', START, message, { hint: 'Split it into several files.' }),
      ],
    };
  }
  const text = { file: file.path, namespace, text: source, lines };
  const { documents, diagnostics } = readPlainly(text) ?? readWhole(text);
  return { documents, diagnostics: diagnostics.slice(0, MAX_PROBLEMS) };
}
