import type { Diagnostic } from '../types.ts';

const COMMANDS = { error: 'error', warning: 'warning', info: 'notice' } as const;

/** A diagnostic as a workflow command of GitHub Actions, which becomes a note at the line. */
export function githubAnnotation({
  severity,
  file,
  line,
  column,
  endLine,
  endColumn,
  code,
  message,
  hint,
}: Diagnostic): string {
  const place = [
    `file=${property(file)}`,
    `line=${line}`,
    `endLine=${endLine}`,
    // Columns count within one line only.
    ...(line === endLine ? [`col=${column}`, `endColumn=${endColumn}`] : []),
    `title=${property(code)}`,
  ];
  return `::${COMMANDS[severity]} ${place.join(',')}::${data(hint === undefined ? message : `${message}\n${hint}`)}`;
}

function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
