import type { Diagnostic } from '../state/model-index.ts';

const weight = { error: 0, warning: 1, info: 2 } as const;

/** The worst first, then by file and line. */
export function sortProblems(problems: readonly Diagnostic[]): Diagnostic[] {
  return [...problems].sort(
    (a, b) =>
      weight[a.severity] - weight[b.severity] || a.file.localeCompare(b.file) || a.line - b.line || a.column - b.column,
  );
}
