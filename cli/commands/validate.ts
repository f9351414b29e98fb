import { Command } from 'commander';
import type { Diagnostic } from '../../shared/manifests/types.ts';
import { humanLines, problemsAround, published } from '../diagnostic-lines.ts';
import { EXIT, tellFailure } from '../errors.ts';
import { interruptible } from '../interruptible.ts';
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
  const set = await interruptible((signal) =>
    readManifests(paths, process.cwd(), { namespace: flags.namespace, signal }),
  );
  const { analyze } = await import('../../shared/manifests/index.ts');
  const analysis = analyze(set.files, {
    namespace: flags.namespace ?? set.config.namespace,
    strictNamespace: flags.strictNamespace,
    traefik: set.config.traefik,
    customRules: set.customRules,
    rendered: set.rendered,
    problems: set.problems,
  });
  return [...problemsAround(set), ...analysis.diagnostics];
}
