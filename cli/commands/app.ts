import { Command } from 'commander';
import { EXIT, tellFailure } from '../errors.ts';
import { openApplicationWindow } from '../application-window.ts';

interface Flags {
  readonly sample?: boolean;
  readonly stateDir?: string;
  readonly verbose?: boolean;
}

export function appCommand(): Command {
  return new Command('app')
    .description(
      'the application in a window of its own (Chromium in application mode where found, else prints the URL)',
    )
    .argument('[dir]', 'workspace to open; default: the last one')
    .option('--sample', 'open a copy of the sample workspace')
    .option('--state-dir <dir>', 'where drafts, recent workspaces and the agent keep their state')
    .option('--verbose', 'show what every part logs')
    .addHelpText(
      'after',
      `
Examples:
  adit app --sample
  adit app ~/src/shop-apis`,
    )
    .action(async (dir: string | undefined, flags: Flags) => {
      try {
        const { runApplication } = await import('../run-application.ts');
        const app = await runApplication({ ...flags, dir, listen: { host: '127.0.0.1', port: 0 } });
        const window = await openApplicationWindow(app.url);
        process.stdout.write(window === undefined ? `Open ${app.url}\n` : 'Adit runs in its window. Ctrl+C ends it.\n');
        await Promise.race([app.ended, ...(window === undefined ? [] : [window.closed.then(() => app.close())])]);
        await window?.close();
        process.exitCode = EXIT.ok;
      } catch (error) {
        tellFailure(error, false);
      }
      process.exit();
    });
}
