import { Command } from 'commander';
import { EXIT } from '../errors.ts';
import { checks, type Finding } from '../doctor-checks.ts';

interface Flags {
  readonly json?: boolean;
  readonly control?: string;
}

const MARK = { ok: '●', warning: '◐', failed: '▲' } as const;

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('look whether this machine has what Adit needs, and say what to do where not')
    .option('--control <url>', 'also reach this control plane and the brokers it names')
    .option('--json', 'one JSON object on standard output')
    .addHelpText('after', '\nExamples:\n  adit doctor\n  adit doctor --control https://control.example --json')
    .action(async (flags: Flags) => {
      const findings: Finding[] = [];
      for (const check of checks(flags.control)) {
        const found = await check();
        findings.push(...found);
        if (!flags.json) for (const finding of found) tell(finding);
      }
      if (flags.json) process.stdout.write(`${JSON.stringify({ findings })}\n`);
      process.exitCode = findings.some((finding) => finding.state === 'failed') ? EXIT.found : EXIT.ok;
    });
}

function tell(finding: Finding): void {
  process.stdout.write(`${MARK[finding.state]} ${finding.check}: ${finding.message}\n`);
  if (finding.hint) process.stdout.write(`    ${finding.hint}\n`);
}
