import { Command, Option } from 'commander';
import { EXIT, tellFailure } from '../errors.ts';
import { interruptible } from '../interruptible.ts';
import { readManifests } from '../read-manifests.ts';

interface Flags {
  readonly json?: boolean;
  readonly format: 'mermaid' | 'dot' | 'json';
  readonly namespace?: string;
}

export function graphCommand(): Command {
  return new Command('graph')
    .description('print what refers to what, from routes to Services, plans and applications')
    .argument('[path...]', 'files and folders; default: this folder')
    .option('--namespace <name>', 'for documents without metadata.namespace; default: as adit.yaml says')
    .addOption(new Option('--format <format>', 'how to print').choices(['mermaid', 'dot', 'json']).default('mermaid'))
    .option('--json', 'the same as --format json: {"nodes":[…],"edges":[…]}')
    .addHelpText(
      'after',
      `
What is referred to and missing is dashed. Exit codes: 0 printed, 1 a reference is broken, 2 wrong use.

Examples:
  adit graph examples/petstore
  adit graph --format dot . | dot -Tsvg > graph.svg`,
    )
    .action(async (paths: string[], flags: Flags) => {
      const json = flags.json === true || flags.format === 'json';
      try {
        const set = await interruptible((signal) =>
          readManifests(paths.length === 0 ? ['.'] : paths, process.cwd(), { namespace: flags.namespace, signal }),
        );
        const { analyze, dot, mermaid } = await import('../../shared/manifests/index.ts');
        const { graph } = analyze(set.files, {
          namespace: flags.namespace ?? set.config.namespace,
          traefik: set.config.traefik,
          rendered: set.rendered,
        });
        const text = json ? `${JSON.stringify(graph)}\n` : flags.format === 'dot' ? dot(graph) : mermaid(graph);
        process.stdout.write(text);
        process.exitCode = graph.edges.some(({ broken }) => broken === true) ? EXIT.found : EXIT.ok;
      } catch (error) {
        tellFailure(error, json);
      }
    });
}
