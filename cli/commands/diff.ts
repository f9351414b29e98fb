import { relative, resolve, sep } from 'node:path';
import { realpath, stat } from 'node:fs/promises';
import { Command, Option } from 'commander';
import type { ManifestDiff } from '../../shared/manifests/diff/change.ts';
import type { DiffSide } from '../../shared/manifests/diff/diff.ts';
import { published } from '../diagnostic-lines.ts';
import { CommandFailed, EXIT, tellFailure } from '../errors.ts';
import { gitText } from '../git-tree.ts';
import { interruptible } from '../interruptible.ts';
import { readManifests, type ManifestSet, type ReadOptions } from '../read-manifests.ts';
import { readTree } from '../read-tree.ts';

interface Flags {
  readonly json?: boolean;
  readonly format: 'markdown' | 'json';
  readonly namespace?: string;
  readonly failOnWidened?: boolean;
}

export function diffCommand(): Command {
  return new Command('diff')
    .description('tell what a change of manifests changes for callers: routes, access, limits, problems')
    .argument('<range>', 'A..B, A...B (since their merge base), or A (against the files as they are now)')
    .argument('[dir]', 'a folder of the repository; default: this folder')
    .option('--namespace <name>', 'for documents without metadata.namespace; default: as adit.yaml says')
    .addOption(new Option('--format <format>', 'how to print').choices(['markdown', 'json']).default('markdown'))
    .option('--json', 'the same as --format json')
    .option('--fail-on-widened', 'end with 1 when more callers or operations get through than before')
    .addHelpText(
      'after',
      `
Both states are read by your own Git, without a checkout; overlays and charts are rendered by your own kustomize, kubectl and
helm, from a temporary copy. What could not be rendered is told as not compared, and counts as wider access where asked.
Exit codes: 0 printed, 1 new errors (or wider access, see above), 2 wrong use or no such revision, 3 Git failed.

Examples:
  adit diff origin/main...HEAD manifests/ > comment.md
  adit diff HEAD                          what is not committed yet`,
    )
    .action(async (range: string, dir: string | undefined, flags: Flags) => {
      const json = flags.json === true || flags.format === 'json';
      try {
        const { diff, title } = await interruptible((signal) =>
          compare(range, dir ?? '.', { namespace: flags.namespace, signal }),
        );
        const { diffMarkdown } = await import('../../shared/manifests/diff/diff-markdown.ts');
        process.stdout.write(json ? `${JSON.stringify(publishedDiff(diff))}\n` : diffMarkdown(diff, title));
        const wrong = diff.diagnostics.added.some(({ severity }) => severity === 'error');
        // What could not be compared may be wider.
        const wider =
          flags.failOnWidened === true &&
          (diff.access.some(({ direction }) => direction === 'wider') || diff.notCompared.length > 0);
        process.exitCode = wrong || wider ? EXIT.found : EXIT.ok;
      } catch (error) {
        tellFailure(error, json);
      }
    });
}

function publishedDiff(diff: ManifestDiff): unknown {
  const { added, fixed } = diff.diagnostics;
  return { ...diff, diagnostics: { added: added.map(published), fixed: fixed.map(published) } };
}

async function compare(
  range: string,
  dir: string,
  options: ReadOptions,
): Promise<{ diff: ManifestDiff; title: string }> {
  const folder = await realpath(resolve(dir)).catch(() => undefined);
  if (folder === undefined || !(await stat(folder)).isDirectory())
    throw new CommandFailed({ code: 'path-missing', message: `${dir}: no such folder` }, EXIT.usage);
  const top = (await gitText(folder, ['rev-parse', '--show-toplevel'])).toString('utf8').trim();
  const inside = relative(await realpath(top), folder)
    .split(sep)
    .join('/');
  const [, from = '', dots, to = ''] = /^(.*?)(?:(\.{2,3})(.*))?$/.exec(range) ?? [];
  const last = dots === undefined ? undefined : await commitOf(top, to);
  const first = await commitOf(top, from);
  const base =
    dots === '...' ? (await gitText(top, ['merge-base', first, last ?? first])).toString('utf8').trim() : first;
  const before = await readTree(top, base, inside, options);
  const after =
    last === undefined ? await readManifests([folder], top, options) : await readTree(top, last, inside, options);
  const { diffManifests } = await import('../../shared/manifests/diff/diff.ts');
  const diff = diffManifests(await sideOf(before, options.namespace), await sideOf(after, options.namespace));
  return { diff, title: `${range}${inside === '' ? '' : ` in ${inside}`}` };
}

async function sideOf(set: ManifestSet, namespace: string | undefined): Promise<DiffSide> {
  const { analyze } = await import('../../shared/manifests/index.ts');
  const { config, customRules, rendered, problems } = set;
  return {
    analysis: analyze(set.files, {
      namespace: namespace ?? config.namespace,
      traefik: config.traefik,
      customRules,
      rendered,
      problems,
    }),
    settings: config.lint.severities,
  };
}

/** The commit that a name means; a name is never taken for an option. */
async function commitOf(top: string, name: string): Promise<string> {
  const wanted = name === '' ? 'HEAD' : name;
  try {
    const out = await gitText(top, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${wanted}^{commit}`]);
    return out.toString('utf8').trim();
  } catch (error) {
    if (!(error instanceof CommandFailed) || error.code !== 'git-failed') throw error;
    throw new CommandFailed(
      {
        code: 'no-such-revision',
        message: `${wanted}: no such revision`,
        hint: 'fetch it first: a shallow clone has the last commit only',
      },
      EXIT.usage,
    );
  }
}
