import { LineCounter, parseAllDocuments, type Document } from 'yaml';
import { fields, isFields, items, text, type Fields } from './field.ts';
import type { FieldPath } from './field-path.ts';
import { locate, rangeAt } from './locate.ts';
import { isOtherFile } from './other-file.ts';
import { groupOf, objectId } from './object-id.ts';
import { plainValue } from './plain-value.ts';
import { reportFile } from './report.ts';
import { tooComplex } from './too-complex.ts';
import type { Diagnostic, ManifestDocument, ObjectRef, SourceFile } from './types.ts';

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

/** Kinds without a namespace, of those that people keep beside the ones we read. */
const CLUSTER_SCOPED = new Set([
  'Namespace', 'Node', 'PersistentVolume', 'StorageClass', 'ClusterRole', 'ClusterRoleBinding', 'CustomResourceDefinition',
  'IngressClass', 'GatewayClass', 'PriorityClass', 'AccessControlPolicy', 'APIService', 'ValidatingWebhookConfiguration',
  'MutatingWebhookConfiguration',
]); // prettier-ignore

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
  if (linesOf(file.text) > MAX_LINES) {
    const message = `the file has more than ${MAX_LINES} lines and is not read`;
    return {
      documents: [],
      diagnostics: [
        reportFile(file.path, 'yaml-too-complex', START, message, { hint: 'Split it into several files.' }),
      ],
    };
  }
  const source = file.text.startsWith('\uFEFF') ? file.text.slice(1) : file.text;
  const lines = linesIn(source);
  const complex = tooComplex(source);
  if (complex !== undefined) {
    const range = rangeAt(lines, complex.offset, complex.offset + 1);
    const message = `the file is too complex to read: ${complex.reason}`;
    return {
      documents: [],
      diagnostics: [
        reportFile(file.path, 'yaml-too-complex', range, message, { hint: 'Correct it here, or split the file.' }),
      ],
    };
  }
  let parsed: readonly Document.Parsed[];
  try {
    const all = parseAllDocuments(source, {
      prettyErrors: false,
      strict: true,
      // Checked by us in linear time: the library's check is quadratic in the number of keys.
      uniqueKeys: false,
      logLevel: 'silent',
    });
    parsed = Array.isArray(all) ? all : [];
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return {
      documents: [],
      diagnostics: [reportFile(file.path, 'yaml-too-complex', START, 'the file is nested too deeply to read')],
    };
  }

  const documents: ManifestDocument[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const [index, yaml] of parsed.entries()) {
    if (yaml.errors.length > 0) {
      for (const error of yaml.errors) {
        const range = rangeAt(lines, error.pos[0], error.pos[1]);
        diagnostics.push(reportFile(file.path, 'yaml-syntax', range, firstLine(error.message), syntaxHint(error.code)));
      }
      continue;
    }
    const { value, problems } = plainValue(yaml);
    for (const { code, message, offset, end, hint } of problems) {
      diagnostics.push(
        reportFile(file.path, code, rangeAt(lines, offset, end), message, hint === undefined ? {} : { hint }),
      );
    }
    collect({ file: file.path, text: source, lines, yaml, index, namespace }, value, [], documents, diagnostics);
  }
  return { documents, diagnostics: diagnostics.slice(0, MAX_PROBLEMS) };
}

interface Origin {
  readonly file: string;
  readonly text: string;
  readonly lines: LineCounter;
  readonly yaml: Document.Parsed;
  readonly index: number;
  readonly namespace: string;
}

function collect(
  origin: Origin,
  value: unknown,
  base: FieldPath,
  documents: ManifestDocument[],
  diagnostics: Diagnostic[],
): void {
  if (!isFields(value)) return;
  const apiVersion = text(value['apiVersion']);
  const kind = text(value['kind']);
  if (apiVersion === undefined || kind === undefined || apiVersion === '' || kind === '') {
    if (!looksLikeManifest(value, base)) return;
    const absent = apiVersion === undefined || apiVersion === '' ? 'apiVersion' : 'kind';
    const range = locate(origin.yaml, origin, [...base, absent === 'kind' ? 'apiVersion' : 'kind'], 'key');
    const message = `skipped: it looks like a Kubernetes object but has no \`${absent}\``;
    diagnostics.push(reportFile(origin.file, 'not-a-manifest', range, message, { hint: `Add \`${absent}:\`.` }));
    return;
  }
  if (kind.endsWith('List') && Array.isArray(value['items'])) {
    for (const [at, item] of items(value['items']).entries()) {
      collect(origin, item, [...base, 'items', at], documents, diagnostics);
    }
    return;
  }
  if (groupOf(apiVersion) === 'kustomize.config.k8s.io') return;
  documents.push(manifestDocument(origin, value, apiVersion, kind, base));
}

function manifestDocument(
  origin: Origin,
  value: Fields,
  apiVersion: string,
  kind: string,
  base: FieldPath,
): ManifestDocument {
  const metadata = fields(value, 'metadata');
  const namespace = CLUSTER_SCOPED.has(kind) ? '' : text(metadata['namespace']) || origin.namespace;
  const ref: ObjectRef = Object.freeze({ apiVersion, kind, namespace, name: text(metadata['name']) ?? '' });
  return {
    id: objectId(ref),
    ref,
    file: origin.file,
    index: origin.index,
    range: locate(origin.yaml, origin, base, 'value'),
    value,
    locate: (path, what = 'value') => locate(origin.yaml, origin, [...base, ...path], what),
  };
}

/** Two of the four fields that every object has; items of a list count as objects anyway. */
function looksLikeManifest(value: Fields, base: FieldPath): boolean {
  const present = ['apiVersion', 'kind', 'metadata', 'spec'].filter((field) => Object.hasOwn(value, field));
  return base.length > 0 || present.length >= 2;
}

/** Counted here, because the library loses lines after some mistakes. */
function linesIn(source: string): LineCounter {
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (let at = source.indexOf('\n'); at >= 0; at = source.indexOf('\n', at + 1)) lines.addNewLine(at + 1);
  return lines;
}

function linesOf(text: string): number {
  let count = 1;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count += 1;
  return count;
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0] ?? message;
}

function syntaxHint(code: string): { hint?: string } {
  if (code === 'TAB_AS_INDENT') return { hint: 'Indent with spaces.' };
  if (code === 'BAD_INDENT') return { hint: 'Check the indentation of this line and the ones above.' };
  return {};
}
