import { setImmediate } from 'node:timers/promises';
import { Command } from 'commander';
import { version } from '../shared/version.ts';
import { commandsFor } from './command-list.ts';
import { CommandFailed, EXIT, tellFailure } from './errors.ts';

const program = new Command('adit')
  .description('Author API-management manifests for Kubernetes, preview them under a public URL, commit them to Git.')
  .version(version)
  .showHelpAfterError('(adit --help, or adit COMMAND --help)')
  .addHelpText(
    'after',
    `
Exit codes: 0 done, 1 something was found wrong, 2 wrong use, 3 it could not be done.

Examples:
  adit app --sample                     the application, on a copy of the sample workspace
  adit preview examples/petstore        a URL that answers as the manifests say
  adit validate --json manifests/       problems with file, line and column`,
  );
for (const command of await commandsFor(process.argv[2])) {
  command.showHelpAfterError(`(adit ${command.name()} --help)`).exitOverride();
  program.addCommand(command);
}
program.exitOverride();

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // Whoever reads has enough, as `head` has: that is no failure of ours, and what was found stays found.
  if (error.code === 'EPIPE') process.exit();
  tellFailure(new CommandFailed({ code: 'output-failed', message: `standard output: ${error.message}` }), false);
  process.exit();
});

try {
  await program.parseAsync();
} catch (error) {
  // Commander has already told what was wrong, or printed the help that was asked for.
  const asked = error instanceof Error && 'exitCode' in error && error.exitCode === 0;
  const ours =
    error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('commander.');
  if (!ours) throw error;
  process.exitCode = asked ? EXIT.ok : EXIT.usage;
}
// A failed write is told a tick later, which Node does not wait for at the end of a module that has loaded others.
await setImmediate();
