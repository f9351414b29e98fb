import { resolve } from 'node:path';
import { Command } from 'commander';
import { developmentCaDir } from '../../main/state-folders.ts';
import { EXIT, tellFailure } from '../errors.ts';
import { trustSteps } from '../trust-steps.ts';

interface Flags {
  readonly json?: boolean;
  readonly folder: string;
}

export function caCommand(): Command {
  return new Command('ca')
    .description('show the development CA that signs for HTTPS previews on this machine, and how to trust it')
    .option('--folder <folder>', 'where it is; made when there is none', developmentCaDir())
    .option('--json', 'one JSON object on standard output')
    .addHelpText(
      'after',
      `
It can sign for localhost, *.localhost, *.test and loopback addresses only. Nothing is trusted or changed by this command.

Examples:
  adit ca
  curl --cacert "$(adit ca --json | jq -r .file)" https://NAME.localhost:PORT/`,
    )
    .action(async (flags: Flags) => {
      try {
        const { openDevelopmentCa } = await import('../../shared/certificates/development-ca-folder.ts');
        const { ca, file } = await openDevelopmentCa(resolve(flags.folder));
        const until = ca.until.toISOString();
        const steps = trustSteps(process.platform, file);
        if (flags.json === true) {
          process.stdout.write(`${JSON.stringify({ file, fingerprint: ca.fingerprint, until, steps })}\n`);
        } else {
          process.stdout.write(`${file}\n  SHA-256 ${ca.fingerprint}\n  until   ${until.slice(0, 10)}\n`);
          for (const { who, trust, forget } of steps)
            process.stdout.write(`\n${who}\n  trust:  ${trust}\n  forget: ${forget}\n`);
        }
        process.exitCode = EXIT.ok;
      } catch (error) {
        tellFailure(error, flags.json === true);
      }
    });
}
