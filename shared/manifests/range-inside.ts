import type { FieldPath } from './field-path.ts';
import type { ManifestDocument, Range } from './types.ts';

/**
 * Range of a part of a string value. Exact where the string is written on one line as it is, or in quotes that needed
 * no escape; else the range of the whole value.
 */
export function rangeInside(
  document: ManifestDocument,
  path: FieldPath,
  value: string,
  start: number,
  end: number,
): Range {
  const whole = document.locate(path);
  const width = whole.end.column - whole.start.column;
  const quotes = width - value.length;
  if (whole.start.line !== whole.end.line || (quotes !== 0 && quotes !== 2)) return whole;
  const from = whole.start.column + quotes / 2;
  const { line } = whole.start;
  return { ...whole, start: { line, column: from + start }, end: { line, column: from + Math.max(end, start + 1) } };
}
