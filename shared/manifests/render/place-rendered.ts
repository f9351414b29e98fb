import { isFields } from '../field.ts';
import { groupKind } from '../kinds.ts';
import { parseFile, type ParsedFile } from '../parse.ts';
import type { FieldPath } from '../field-path.ts';
import type { Diagnostic, ManifestDocument, Range, SourceFile } from '../types.ts';
import { templateSection } from './template-place.ts';
import type { Rendering } from './find-renderings.ts';

/** What a program made of a folder, with the files that it made it of. */
export interface RenderedFolder extends Rendering {
  readonly text: string;
  readonly sources: readonly SourceFile[];
  /** Files that say what is another about an object. */
  readonly patches: readonly SourceFile[];
}

const START: Range = { start: { line: 1, column: 1 }, end: { line: 1, column: 1 } };

/**
 * The objects of a rendered text, at the places of their sources: the object with the same kind and name, and there the
 * same field, or the nearest around it; a field that a patch set, in the patch. What Helm gives is placed in its template,
 * and what has no source at the kustomization.
 */
export function parseRendered(rendered: RenderedFolder, namespace: string): ParsedFile {
  const { documents, diagnostics } = parseFile({ path: `${rendered.entry}.rendered`, text: rendered.text }, namespace);
  // Raw texts alone: a source must not be taken for something else because of its name.
  const parse = (files: readonly SourceFile[]): ManifestDocument[] =>
    rendered.by === 'helm' ? [] : files.flatMap((file) => parseFile(file, namespace).documents);
  const [sources, patches] = [parse(rendered.sources), parse(rendered.patches)];
  const lines = rendered.text.split('\n');
  const templates = rendered.by === 'helm' ? templatesOf(lines, rendered.dir) : [];
  return {
    documents: documents.map((document) => {
      const { start, end } = document.range;
      const template = templates.findLast(({ line }) => line <= start.line)?.path;
      const { by, dir } = rendered;
      const at =
        template === undefined
          ? placed(document, sourcesOf(document, sources), sourcesOf(document, patches), rendered.entry)
          : inTemplate(document, template, rendered.sources.find(({ path }) => path === template)?.text ?? '');
      return {
        ...at,
        rendered: {
          by,
          dir,
          text: `${lines
            .slice(start.line - 1, end.line)
            .join('\n')
            .trimEnd()}\n`,
        },
      };
    }),
    diagnostics: diagnostics.map((diagnostic) => atEntry(diagnostic, rendered)),
  };
}

/** What a diagnostic on a rendered object must add, as its place is that of the source at best. */
export function renderedHint(rendered: RenderedFolder): string {
  const where = rendered.dir === '' ? 'this folder' : rendered.dir;
  const place =
    rendered.by === 'helm'
      ? 'the line is that of its template, where that writes the field itself'
      : 'the line is that of its source, where it has one';
  return `Rendered from ${where} by ${rendered.by}: ${place}.`;
}

/** Those that may have become this object, likeliest first: a transformer may have put something before or after the name. */
function sourcesOf(document: ManifestDocument, sources: readonly ManifestDocument[]): ManifestDocument[] {
  const { name, namespace } = document.ref;
  const likeness = ({ ref }: ManifestDocument): number =>
    (ref.name === name ? 1_000_000 : 0) + ref.name.length * 2 + (ref.namespace === namespace ? 1 : 0);
  return sources
    .filter(({ ref }) => groupKind(ref) === groupKind(document.ref) && ref.name !== '' && name.includes(ref.name))
    .toSorted((a, b) => likeness(b) - likeness(a));
}

function placed(
  document: ManifestDocument,
  [source]: readonly ManifestDocument[],
  patches: readonly ManifestDocument[],
  entry: string,
): ManifestDocument {
  const setBy = (path: FieldPath): ManifestDocument | undefined =>
    isIdentity(path) ? undefined : patches.find(({ value }) => isSame(at(value, path), at(document.value, path)));
  const inPatch = (path: FieldPath, what: 'key' | 'value' | undefined): Range | undefined => {
    const patch = setBy(path);
    return patch === undefined ? undefined : { ...patch.locate(path, what), file: patch.file };
  };
  if (source === undefined)
    return { ...document, file: entry, range: START, locate: (path, what) => inPatch(path, what) ?? START };
  return {
    ...document,
    file: source.file,
    range: source.range,
    locate: (path, what) => inPatch(path, what) ?? source.locate(known(source.value, path), what),
  };
}

function inTemplate(document: ManifestDocument, file: string, text: string): ManifestDocument {
  const section = templateSection(text, document.ref);
  if (section === undefined) return { ...document, file, range: START, locate: () => START };
  return { ...document, file, range: section.range, locate: (path) => section.locate(path) };
}

/** A patch says of which object it is; that sets nothing. */
function isIdentity([first, second]: FieldPath): boolean {
  return (
    first === undefined ||
    first === 'apiVersion' ||
    first === 'kind' ||
    (first === 'metadata' && (second === undefined || second === 'name' || second === 'namespace'))
  );
}

/** The value at a path; undefined where there is none. */
function at(value: unknown, path: FieldPath): unknown {
  let found = value;
  for (const key of path) {
    if (Array.isArray(found) && typeof key === 'number') found = found[key];
    else if (isFields(found) && Object.hasOwn(found, key)) found = found[key];
    else return undefined;
  }
  return found;
}

function isSame(a: unknown, b: unknown): boolean {
  return a !== undefined && JSON.stringify(a) === JSON.stringify(b);
}

/** The part of a path that is there in the source. */
function known(value: unknown, path: FieldPath): FieldPath {
  const end = path.findIndex((_key, length) => at(value, path.slice(0, length + 1)) === undefined);
  return end < 0 ? path : path.slice(0, end);
}

/** `# Source: CHART/templates/x.yaml`, which Helm writes before what each template made. */
function templatesOf(lines: readonly string[], dir: string): { readonly line: number; readonly path: string }[] {
  return lines.flatMap((line, index) => {
    const [, inside] = /^# Source: [^/]+\/(.+)$/.exec(line) ?? [];
    return inside === undefined ? [] : [{ line: index + 1, path: dir === '' ? inside : `${dir}/${inside}` }];
  });
}

function atEntry(diagnostic: Diagnostic, rendered: RenderedFolder): Diagnostic {
  return {
    ...diagnostic,
    file: rendered.entry,
    line: 1,
    column: 1,
    endLine: 1,
    endColumn: 1,
    hint: renderedHint(rendered),
  };
}
