import { Command } from 'commander';
import type { Diagnostic } from '../../shared/manifests/types.ts';
import { EXIT, tellFailure } from '../errors.ts';
import { readManifests } from '../read-manifests.ts';

interface Flags {
  readonly json?: boolean;
  readonly namespace?: string;
  readonly strictNamespace?: boolean;
}

export function validateCommand(): Command {
  return new Command('validate')
    .description('check manifests as the API server would, and their references, without a cluster')
    .argument('<path...>', 'files and folders')
    .option('--namespace <name>', 'for documents without metadata.namespace; default: as adit.yaml says')
    .option('--strict-namespace', 'refuse documents without metadata.namespace, as the API machinery does')
    .option('--json', 'print {"diagnostics":[…]}')
    .addHelpText(
      'after',
      `
Exit codes: 0 no errors, 1 errors, 2 wrong use. Codes of problems: docs/diagnostics.md.

Examples:
  adit validate examples/petstore
  adit validate --json manifests/ | jq '.diagnostics[] | select(.severity == "error")'`,
    )
    .action(async (paths: string[], flags: Flags) => {
      try {
        const diagnostics = await validate(paths, flags);
        if (flags.json) process.stdout.write(`${JSON.stringify({ diagnostics: diagnostics.map(published) })}\n`);
        else for (const line of humanLines(diagnostics)) process.stdout.write(`${line}\n`);
        process.exitCode = diagnostics.some(({ severity }) => severity === 'error') ? EXIT.found : EXIT.ok;
      } catch (error) {
        tellFailure(error, flags.json === true);
      }
    });
}

async function validate(paths: readonly string[], flags: Flags): Promise<Diagnostic[]> {
  const set = await readManifests(paths, process.cwd());
  const { analyze } = await import('../../shared/manifests/index.ts');
  const analysis = analyze(set.files, {
    namespace: flags.namespace ?? set.config.namespace,
    strictNamespace: flags.strictNamespace,
  });
  const own = (
    file: string,
    line: number,
    column: number,
    code: string,
    message: string,
    more: { path?: string; hint?: string } = {},
  ): Diagnostic => ({
    severity: 'error',
    code,
    file,
    line,
    column,
    endLine: line,
    endColumn: column,
    message,
    ...more,
  });
  return [
    ...set.unreadable.map(({ path, message }) =>
      own(path, 1, 1, 'file-unreadable', message, { hint: 'Check the permissions; what is in it was not checked.' }),
    ),
    ...set.configProblems.map((problem) =>
      own(problem.file, problem.line, problem.column, 'workspace-config', problem.message, { path: problem.path }),
    ),
    ...analysis.diagnostics,
  ];
}

/** The shape that scripts rely on: every field is there, `null` where it does not apply. */
function published(diagnostic: Diagnostic): Record<string, unknown> {
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

function humanLines(diagnostics: readonly Diagnostic[]): string[] {
  const lines = diagnostics.flatMap((diagnostic) => {
    const { file, line, column, severity, message, code, object, path, hint } = diagnostic;
    const where = object === undefined ? '' : `${object.kind} ${object.namespace}/${object.name}: `;
    const what = path !== undefined && !message.includes(path) ? `${path}: ${message}` : message;
    return [
      `${file}:${line}:${column}: ${severity}: ${where}${what} [${code}]`,
      ...(hint === undefined ? [] : [`    ${hint}`]),
    ];
  });
  const count = (severity: Diagnostic['severity']): number =>
    diagnostics.filter((one) => one.severity === severity).length;
  const counted = (one: string, severity: Diagnostic['severity']): string =>
    `${count(severity)} ${one}${count(severity) === 1 ? '' : 's'}`;
  return [...lines, [counted('error', 'error'), counted('warning', 'warning'), counted('note', 'info')].join(', ')];
}
