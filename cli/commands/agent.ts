import { Command, InvalidArgumentError, Option } from 'commander';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { defaultStateDir } from '../../main/state-folders.ts';
import { listenOption, loopbackAddress, type ListenAddress } from '../listen-address.ts';
import { optionFile, printLine, runRole, secretFromEnvironment, type RoleFlags } from '../role.ts';
import { controlUrl } from '../url-flags.ts';
import { collectAtRest } from '../../shared/process/collect-at-rest.ts';
import { tuneCollector } from '../../shared/process/tune-collector.ts';

interface Flags extends RoleFlags {
  readonly listen: ListenAddress;
  readonly control?: string;
  readonly caFile?: string;
  readonly stateDir: string;
  readonly links: number;
}

export function agentCommand(): Command {
  return new Command('agent')
    .description('serve previews on this machine, driven over its local API')
    .addOption(
      listenOption('--listen <address>', 'listener of the local API; loopback only', '127.0.0.1:0', loopbackAddress),
    )
    .option('--control <url>', 'control plane that leases hosts and names brokers', controlUrl)
    .option('--ca-file <file>', 'certificate authorities to trust besides the system ones (PEM)')
    .option('--state-dir <dir>', 'enrolment, token and lease stay here between runs', join(defaultStateDir(), 'agent'))
    .option('--links <n>', 'brokers to hold tunnels to at once, 1 to 8', links, 3)
    .addOption(new Option('--log-level <level>').choices(['debug', 'info', 'warn', 'error', 'silent']).default('info'))
    .option('--json', 'one JSON line when ready, and one per event')
    .addOption(new Option('--leashed', 'end when standard input ends').hideHelp())
    .addHelpText(
      'after',
      `
Environment:
  ADIT_AGENT_TOKEN     bearer token of the local API; made and printed when not set
  ADIT_ENROLMENT_KEY   used once to enrol at the control plane
  ADIT_REDIS_URL       credentials for the Redis server that \`limits\` of adit.yaml names, and for no other:
                       rediss://USER:PASSWORD@HOST:PORT

Example:
  ADIT_ENROLMENT_KEY=… adit agent --control https://control.example`,
    )
    .action((flags: Flags) =>
      runRole(flags, async (log) => {
        const given = secretFromEnvironment('ADIT_AGENT_TOKEN');
        const token = given ?? randomBytes(32).toString('base64url');
        const enrolmentKey = secretFromEnvironment('ADIT_ENROLMENT_KEY');
        const redisUrl = secretFromEnvironment('ADIT_REDIS_URL');
        const ca = flags.caFile === undefined ? undefined : await optionFile('--ca-file', flags.caFile);
        tuneCollector();
        collectAtRest();
        const { startAgent } = await import('../../agent/index.ts');
        const agent = await startAgent({
          host: flags.listen.host,
          port: flags.listen.port,
          token,
          stateDir: flags.stateDir,
          wanted: flags.links,
          ...(flags.control === undefined
            ? {}
            : { control: { url: flags.control, ...(enrolmentKey === undefined ? {} : { enrolmentKey }) } }),
          ...(ca === undefined ? {} : { ca }),
          ...(redisUrl === undefined ? {} : { redisUrl }),
          ...(flags.json ? { onEvent: printLine } : {}),
          log,
        });
        if (flags.json) printLine({ event: 'ready', role: 'agent', address: agent.address, pid: process.pid });
        else process.stdout.write(`agent: http://${agent.address}${given === undefined ? `\ntoken: ${token}` : ''}\n`);
        return { close: () => agent.close({ graceMs: 1_000 }) };
      }),
    );
}

function links(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 8) throw new InvalidArgumentError('use a number from 1 to 8.');
  return value;
}
