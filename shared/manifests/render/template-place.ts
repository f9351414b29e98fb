import type { FieldPath } from '../field-path.ts';
import type { ObjectRef, Range } from '../types.ts';

/** One of the documents that a template writes. */
export interface TemplateSection {
  readonly range: Range;
  /** Where it writes a field itself, or the nearest one around it. */
  locate(path: FieldPath): Range;
}

interface KeyLine {
  readonly line: number;
  readonly column: number;
  readonly width: number;
  /** Keys from the outermost to its own; items of lists have none. */
  readonly keys: readonly string[];
  readonly value: string;
}

/**
 * The part of a template that writes an object, read as lines, as a template is no YAML: the one that says its kind, and
 * its name where several do. Undefined where that is not certain.
 */
export function templateSection(source: string, ref: ObjectRef): TemplateSection | undefined {
  const sections = sectionsOf(source).filter((lines) => says(lines, ['kind'], ref.kind));
  const [section, ...others] =
    sections.length === 1 ? sections : sections.filter((lines) => says(lines, ['metadata', 'name'], ref.name));
  const [first, last] = [section?.[0], section?.at(-1)];
  if (section === undefined || first === undefined || last === undefined || others.length > 0) return undefined;
  const start = { line: first.line, column: 1 };
  return {
    range: { start, end: { line: last.line, column: last.width + 1 } },
    locate: (path) => {
      const keys = path.filter((key) => typeof key === 'string');
      for (let length = keys.length; length > 0; length -= 1) {
        const found = section.filter((line) => isSame(line.keys, keys.slice(0, length)));
        // Of several, as in a list, it is one, and which one is not known: the key around them is.
        const [only] = found;
        if (only !== undefined && found.length === 1) return rangeOf(only);
      }
      return { start, end: start };
    },
  };
}

function rangeOf({ line, column, width }: KeyLine): Range {
  return { start: { line, column }, end: { line, column: width + 1 } };
}

function says(lines: readonly KeyLine[], keys: readonly string[], value: string): boolean {
  return lines.some((line) => isSame(line.keys, keys) && line.value === value);
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((key, at) => key === b[at]);
}

/** The lines with a key, by documents. What is of the template alone is passed over. */
function sectionsOf(source: string): KeyLine[][] {
  const sections: KeyLine[][] = [[]];
  let around: { readonly indent: number; readonly key: string }[] = [];
  for (const [index, text] of source.split('\n').entries()) {
    if (/^---(\s|$)/.test(text)) {
      sections.push([]);
      around = [];
      continue;
    }
    const [whole = '', lead = '', quote = '', key] = /^( *(?:- +)*)(["']?)(\w[\w./-]*)\2:(?=\s|$)/.exec(text) ?? [];
    if (key === undefined) continue;
    // What stands behind the dash of an item is as deep as the keys below it.
    const indent = lead.length;
    around = around.filter((outer) => outer.indent < indent);
    const keys = [...around.map((outer) => outer.key), key];
    around.push({ indent, key });
    const column = lead.length + quote.length + 1;
    sections.at(-1)?.push({
      line: index + 1,
      column,
      width: text.trimEnd().length,
      keys,
      value: text
        .slice(whole.length)
        .trim()
        .replace(/^(["'])(.*)\1$/, '$2'),
    });
  }
  return sections.filter((lines) => lines.length > 0);
}
