import { Command, InvalidArgumentError } from 'commander';
import type { PreviewEvent } from '../../shared/process/lines.ts';
import { developmentCaDir } from '../../main/state-folders.ts';
import { EXIT, tellFailure } from '../errors.ts';
import { graceSeconds } from '../grace-seconds.ts';
import { previewTarget } from '../preview-target.ts';
import { printLine } from '../role.ts';
import { tellEvent } from '../tell-event.ts';

interface Flags {
  readonly json?: boolean;
  readonly verbose?: boolean;
  readonly brokers: number;
  readonly stateDir?: string;
  readonly grace: number;
  readonly https?: boolean;
}

const STOP_WITHIN_MS = 4_000;

export function upCommand(): Command {
  return shared(new Command('up'))
    .description('run control plane, brokers, edge and agent on this machine, with a preview')
    .requiredOption('--preview <dir|url>', 'folder of manifests to serve, or the URL of a plain upstream')
    .addHelpText(
      'after',
      `
Prints one JSON line when the preview answers (--json), then one per event:
  {"event":"ready","url":…,"host":…,"edge":{…},"brokers":[…],"control":{…},"agent":{…}}

Examples:
  adit up --preview examples/petstore
  adit up --preview http://127.0.0.1:3000 --json`,
    )
    .action((flags: Flags & { preview: string }) => run(flags.preview, flags));
}

export function previewCommand(): Command {
  return shared(new Command('preview'))
    .description('serve a folder of manifests, or a plain upstream, under a URL of its own')
    .argument('<dir|url>', 'folder of manifests, or the URL of an upstream')
    .addHelpText(
      'after',
      `
Examples:
  adit preview examples/petstore
  adit preview http://127.0.0.1:3000`,
    )
    .action((target: string, flags: Flags) => run(target, flags));
}

function shared(command: Command): Command {
  return command
    .option('--brokers <n>', 'how many brokers to run, 1 to 8', brokers, 3)
    .option(
      '--state-dir <dir>',
      'keep keys and leases between runs, so that hosts stay the same; default: a temporary folder',
    )
    .option('--https', 'serve visitors by HTTPS, with certificates from the development CA ("adit ca")')
    .option('--no-https', 'serve them by HTTP, whatever adit.yaml says')
    .option('--grace <seconds>', 'how long a broker that gets SIGTERM lets open streams live', graceSeconds, 30)
    .option('--verbose', 'show what every part logs')
    .option('--json', 'JSON lines on standard output and nothing else');
}

async function run(target: string, flags: Flags): Promise<void> {
  const json = flags.json === true;
  const cancelled = new AbortController();
  let end: (() => void) | undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const onSignal = (): void => {
    cancelled.abort();
    end?.();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  process.on('SIGHUP', onSignal);
  // Nobody reads on, as in `adit up … | head -1`.
  process.stdout.on('error', onSignal);

  // What happens before the ready line is told after it: the first line of standard output is `ready`.
  const early: PreviewEvent[] = [];
  let tell = (event: PreviewEvent): void => void early.push(event);
  try {
    const { startPreviewRun } = await import('../../main/stack/preview-run.ts');
    if (!json) process.stderr.write('starting …\n');
    const preview = await startPreviewRun({
      source: previewTarget(target),
      brokers: flags.brokers,
      graceSeconds: flags.grace,
      developmentCa: developmentCaDir(),
      https: flags.https,
      ...(flags.stateDir === undefined ? {} : { stateDir: flags.stateDir }),
      onEvent: (event) => tell(event),
      onLog: (name, text) => {
        if (flags.verbose) process.stderr.write(`${name}: ${text}\n`);
      },
      signal: cancelled.signal,
    });
    try {
      const { stack, status } = preview;
      const [first] = status.hosts;
      const agent = stack.agent();
      tell = json ? printLine : tellEvent;
      if (json) {
        printLine({
          event: 'ready',
          url: first?.url ?? '',
          host: first?.host ?? '',
          hosts: status.hosts,
          edge: stack.edge(),
          brokers: stack.brokers(),
          control: stack.control(),
          agent: { address: agent.address, pid: agent.pid },
        });
      } else {
        for (const host of status.hosts)
          process.stdout.write(`${host.url}${host.stands === null ? '' : `  (${host.stands})`}\n`);
        for (const broker of stack.brokers())
          process.stdout.write(`  ${broker.id}: http://${broker.address}/ with the same Host\n`);
        if (first?.url.startsWith('https:') === true)
          process.stdout.write('  by the development CA of this machine; "adit ca" says how to trust it\n');
      }
      for (const problem of preview.problems) process.stderr.write(`adit: ${problem}\n`);
      for (const event of early) tell(event);
      await ended;
    } finally {
      tell = () => undefined;
      await preview.stop(STOP_WITHIN_MS);
    }
    process.exitCode = EXIT.ok;
  } catch (error) {
    if (cancelled.signal.aborted) process.exitCode = EXIT.ok;
    else tellFailure(error, json);
  }
  // Standard error of the parts may still be open for a moment; nothing of it is wanted any more.
  process.exit();
}

function brokers(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 8) throw new InvalidArgumentError('use a number from 1 to 8.');
  return value;
}
