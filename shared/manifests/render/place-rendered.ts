import { isFields } from '../field.ts';
import { parseFile, type ParsedFile } from '../parse.ts';
import type { FieldPath } from '../field-path.ts';
import type { Diagnostic, ManifestDocument, Range, SourceFile } from '../types.ts';
import type { Rendering } from './find-renderings.ts';

/** What a program made of a folder, with the files that it made it of. */
export interface RenderedFolder extends Rendering {
  readonly text: string;
  readonly sources: readonly SourceFile[];
}

const START: Range = { start: { line: 1, column: 1 }, end: { line: 1, column: 1 } };

/**
 * The objects of a rendered text, at the places of their sources: the object with the same kind and name, and there the
 * same field, or the nearest around it. An object that has no source there is placed at its template (Helm says which), or
 * at the kustomization.
 */
export function parseRendered(rendered: RenderedFolder, namespace: string): ParsedFile {
  const { documents, diagnostics } = parseFile({ path: `${rendered.entry}.rendered`, text: rendered.text }, namespace);
  // Raw texts alone: a source must not be taken for something else because of its name.
  const sources =
    rendered.by === 'helm' ? [] : rendered.sources.flatMap((file) => parseFile(file, namespace).documents);
  const templates = rendered.by === 'helm' ? templatesOf(rendered) : [];
  return {
    documents: documents.map((document) => {
      const template = templates.findLast(({ line }) => line <= document.range.start.line)?.path;
      return placed(document, sourceOf(document, sources), template ?? rendered.entry);
    }),
    diagnostics: diagnostics.map((diagnostic) => atEntry(diagnostic, rendered)),
  };
}

/** What a diagnostic on a rendered object must add, as its place is that of the source at best. */
export function renderedHint(rendered: RenderedFolder): string {
  const where = rendered.dir === '' ? 'this folder' : rendered.dir;
  const place =
    rendered.by === 'helm'
      ? 'the template is named, the line in it is not known'
      : 'the line is that of its source, where it has one';
  return `Rendered from ${where} by ${rendered.by}: ${place}.`;
}

/** A transformer may have put something before or after the name. */
function sourceOf(document: ManifestDocument, sources: readonly ManifestDocument[]): ManifestDocument | undefined {
  const { kind, name } = document.ref;
  const alike = sources.filter(({ ref }) => ref.kind === kind && ref.name !== '' && name.includes(ref.name));
  const exact = alike.filter(({ ref }) => ref.name === name);
  return exact[0] ?? alike.toSorted((a, b) => b.ref.name.length - a.ref.name.length)[0];
}

function placed(document: ManifestDocument, source: ManifestDocument | undefined, entry: string): ManifestDocument {
  if (source === undefined) return { ...document, file: entry, range: START, locate: () => START };
  return {
    ...document,
    file: source.file,
    range: source.range,
    locate: (path, what) => source.locate(known(source.value, path), what),
  };
}

/** The part of a path that is there in the source. */
function known(value: unknown, path: FieldPath): FieldPath {
  const found: (string | number)[] = [];
  let at = value;
  for (const key of path) {
    if (Array.isArray(at) && typeof key === 'number' && key < at.length) at = at[key];
    else if (isFields(at) && Object.hasOwn(at, key)) at = at[key];
    else break;
    found.push(key);
  }
  return found;
}

/** `# Source: CHART/templates/x.yaml`, which Helm writes before what each template made. */
function templatesOf({ text, dir }: RenderedFolder): { readonly line: number; readonly path: string }[] {
  return text.split('\n').flatMap((line, at) => {
    const [, inside] = /^# Source: [^/]+\/(.+)$/.exec(line) ?? [];
    return inside === undefined ? [] : [{ line: at + 1, path: dir === '' ? inside : `${dir}/${inside}` }];
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
