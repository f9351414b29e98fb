import { Command } from 'commander';
import { EXIT, tellFailure } from '../errors.ts';
import { listenOption, loopbackAddress, type ListenAddress } from '../listen-address.ts';
import { printLine } from '../role.ts';

interface Flags {
  readonly json?: boolean;
  readonly listen: ListenAddress;
  readonly stateDir?: string;
  readonly verbose?: boolean;
}

export function serveCommand(): Command {
  return new Command('serve')
    .description('the application in a browser, for one person: prints a URL that works once')
    .argument('[dir]', 'workspace to open')
    .addOption(listenOption('--listen <address>', 'listener; loopback only', '127.0.0.1:0', loopbackAddress))
    .option('--state-dir <dir>', 'where drafts, recent workspaces and the agent keep their state')
    .option('--verbose', 'show what every part logs')
    .option('--json', 'print {"event":"ready","url":…} and nothing else on standard output')
    .addHelpText(
      'after',
      `
On a remote machine, forward the port first:
  ssh -L 8000:127.0.0.1:8000 HOST adit serve --listen 127.0.0.1:8000 WORKSPACE

Examples:
  adit serve examples/petstore
  adit serve --json .`,
    )
    .action(async (dir: string | undefined, flags: Flags) => {
      try {
        const { runApplication } = await import('../run-application.ts');
        const app = await runApplication({ ...flags, dir });
        if (flags.json) printLine({ event: 'ready', url: app.url });
        else process.stdout.write(`${app.url}\n`);
        await app.ended;
        process.exitCode = EXIT.ok;
      } catch (error) {
        tellFailure(error, flags.json === true);
      }
      process.exit();
    });
}
