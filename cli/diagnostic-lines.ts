import type { Diagnostic } from '../shared/manifests/types.ts';

/** The shape that scripts rely on: every field is there, `null` where it does not apply. */
export function published(diagnostic: Diagnostic): Record<string, unknown> {
  const { severity, code, file, line, column, endLine, endColumn, message } = diagnostic;
  return {
    severity,
    code,
    type: diagnostic.type ?? null,
    file,
    line,
    column,
    endLine,
    endColumn,
    object: diagnostic.object ?? null,
    path: diagnostic.path ?? null,
    message,
    hint: diagnostic.hint ?? null,
  };
}

export function humanLines(diagnostics: readonly Diagnostic[]): string[] {
  const lines = diagnostics.flatMap((diagnostic) => {
    const { file, line, column, severity, message, code, object, path, hint } = diagnostic;
    const where = object === undefined ? '' : `${object.kind} ${object.namespace}/${object.name}: `;
    const what = path !== undefined && !message.includes(path) ? `${path}: ${message}` : message;
    return [
      `${file}:${line}:${column}: ${severity}: ${where}${what} [${code}]`,
      ...(hint === undefined ? [] : [`    ${hint}`]),
    ];
  });
  const counted = (severity: Diagnostic['severity'], word: string): string => {
    const count = diagnostics.filter((one) => one.severity === severity).length;
    return `${count} ${word}${count === 1 ? '' : 's'}`;
  };
  return [...lines, [counted('error', 'error'), counted('warning', 'warning'), counted('info', 'note')].join(', ')];
}

/** A problem of a file that is no manifest. */
export function fileProblem(
  file: string,
  line: number,
  column: number,
  code: string,
  message: string,
  path?: string,
): Diagnostic {
  const place = { file, line, column, endLine: line, endColumn: column };
  return { severity: 'error', code, ...place, message, ...(path === undefined ? {} : { path }) };
}

/** What is wrong with the files around the manifests. */
export function problemsAround(set: {
  readonly unreadable: readonly { readonly path: string; readonly message: string }[];
  readonly configProblems: readonly {
    readonly file: string;
    readonly line: number;
    readonly column: number;
    readonly path: string;
    readonly message: string;
  }[];
}): Diagnostic[] {
  return [
    ...set.unreadable.map(({ path, message }) => fileProblem(path, 1, 1, 'file-unreadable', message)),
    ...set.configProblems.map(({ file, line, column, message, path }) =>
      fileProblem(file, line, column, 'workspace-config', message, path),
    ),
  ];
}
