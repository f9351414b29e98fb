import { diagnosticCodes, type DiagnosticCode } from './errors.ts';
import { formatPath, type FieldPath } from './field-path.ts';
import type { Diagnostic, ManifestDocument, Range, Severity } from './types.ts';

export interface ReportOptions {
  readonly severity?: Severity;
  readonly type?: string;
  readonly hint?: string | undefined;
  /** Point at the key instead of the value. */
  readonly at?: 'key' | 'value';
  /** Point here; for positions inside a string. */
  readonly range?: Range;
}

/** A diagnostic on a field of a document, at the field's position or, where it is absent, at its nearest ancestor's. */
export function report(
  document: ManifestDocument,
  code: DiagnosticCode,
  path: FieldPath,
  message: string,
  options: ReportOptions = {},
): Diagnostic {
  const range = options.range ?? document.locate(path, options.at ?? 'value');
  return {
    severity: options.severity ?? diagnosticCodes[code],
    code,
    type: options.type,
    ...placeIn(document, range),
    object: document.ref,
    path: formatPath(path),
    message,
    hint: options.hint,
  };
}

/** Where a range of a document is. */
export function placeIn(
  { file }: ManifestDocument,
  range: Range,
): Pick<Diagnostic, 'file' | 'line' | 'column' | 'endLine' | 'endColumn'> {
  const { start, end } = range;
  return {
    file: range.file ?? file,
    line: start.line,
    column: start.column,
    endLine: end.line,
    endColumn: end.column,
  };
}

/** A diagnostic on a place of a file that belongs to no object. */
export function reportFile(
  file: string,
  code: DiagnosticCode,
  range: Range,
  message: string,
  options: { severity?: Severity; hint?: string } = {},
): Diagnostic {
  return {
    severity: options.severity ?? diagnosticCodes[code],
    code,
    file,
    line: range.start.line,
    column: range.start.column,
    endLine: range.end.line,
    endColumn: range.end.column,
    message,
    hint: options.hint,
  };
}
