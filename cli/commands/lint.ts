import { Command, Option } from 'commander';
import type { Diagnostic } from '../../shared/manifests/types.ts';
import { version } from '../../shared/version.ts';
import { fileProblem, humanLines, problemsAround, published } from '../diagnostic-lines.ts';
import { EXIT, tellFailure } from '../errors.ts';
import { interruptible } from '../interruptible.ts';
import { readManifests } from '../read-manifests.ts';

interface Flags {
  readonly json?: boolean;
  readonly format: 'human' | 'json' | 'sarif' | 'github';
  readonly namespace?: string;
  readonly rules?: boolean;
}

export function lintCommand(): Command {
  return new Command('lint')
    .description('look for what is valid but likely a mistake, and for what is not valid')
    .argument('[path...]', 'files and folders; default: this folder')
    .option('--namespace <name>', 'for documents without metadata.namespace; default: as adit.yaml says')
    .addOption(
      new Option('--format <format>', 'how to print').choices(['human', 'json', 'sarif', 'github']).default('human'),
    )
    .option('--json', 'the same as --format json: {"diagnostics":[…]}')
    .option('--rules', 'print the rules and their severities, and do nothing else')
    .addHelpText(
      'after',
      `
Severities are set by name under \`lint:\` of adit.yaml: off, info, warning or error.
Exit codes: 0 no errors, 1 errors, 2 wrong use.

Examples:
  adit lint examples/petstore
  adit lint --format sarif . > lint.sarif`,
    )
    .action(async (paths: string[], flags: Flags) => {
      const json = flags.json === true || flags.format === 'json';
      try {
        const { lintRules } = await import('../../shared/manifests/index.ts');
        if (flags.rules === true) {
          for (const [name, [severity, words]] of Object.entries(lintRules))
            process.stdout.write(`${name.padEnd(22)}${severity.padEnd(9)}${words}\n`);
          return;
        }
        const diagnostics = await run(paths.length === 0 ? ['.'] : paths, flags.namespace);
        process.stdout.write(await printed(diagnostics, json ? 'json' : flags.format));
        process.exitCode = diagnostics.some(({ severity }) => severity === 'error') ? EXIT.found : EXIT.ok;
      } catch (error) {
        tellFailure(error, json);
      }
    });
}

async function run(paths: readonly string[], namespace: string | undefined): Promise<Diagnostic[]> {
  const set = await interruptible((signal) => readManifests(paths, process.cwd(), { namespace, signal }));
  const { analyze, lint, lintRules, unknownRules } = await import('../../shared/manifests/index.ts');
  const settings = set.config.lint.severities;
  const analysis = analyze(set.files, {
    namespace: namespace ?? set.config.namespace,
    traefik: set.config.traefik,
    customRules: set.customRules,
    rendered: set.rendered,
    problems: set.problems,
  });
  const names = Object.keys(lintRules).join(', ');
  return [
    ...problemsAround(set),
    ...unknownRules(settings).map((name) =>
      fileProblem(
        set.configFile,
        1,
        1,
        'workspace-config',
        `there is no rule "${name}"; there are: ${names}`,
        `lint.${name}`,
      ),
    ),
    ...lint(analysis, settings),
  ];
}

async function printed(diagnostics: readonly Diagnostic[], format: Flags['format']): Promise<string> {
  const { githubAnnotation, sarif } = await import('../../shared/manifests/index.ts');
  switch (format) {
    case 'json':
      return `${JSON.stringify({ diagnostics: diagnostics.map(published) })}\n`;
    case 'sarif':
      return `${JSON.stringify(sarif(diagnostics, version), null, 2)}\n`;
    case 'github':
      return diagnostics.map((diagnostic) => `${githubAnnotation(diagnostic)}\n`).join('');
    case 'human':
      return humanLines(diagnostics).map((line) => `${line}\n`).join(''); // prettier-ignore
  }
}
