import { Command, InvalidArgumentError, Option } from 'commander';
import { CommandFailed, EXIT } from '../errors.ts';
import { listenOption, type ListenAddress } from '../listen-address.ts';
import { printLine, runRole, secretFromEnvironment, type RoleFlags } from '../role.ts';
import { urlTemplate } from '../url-flags.ts';

interface Flags extends RoleFlags {
  readonly listen: ListenAddress;
  readonly database: string;
  readonly issuer: string;
  readonly domain: string;
  readonly publicUrl?: string;
  readonly nameBits: number;
  readonly tokenSeconds: number;
}

export function controlCommand(): Command {
  return new Command('control')
    .description('lease preview hosts, sign tunnel tokens, and keep the directory of brokers')
    .addOption(listenOption('--listen <address>', 'listener of the API', '127.0.0.1:8090'))
    .option('--database <file>', 'SQLite database for keys and leases', 'adit-control.db')
    .option('--issuer <name>', 'issuer of the tokens', 'adit')
    .option('--domain <domain>', 'preview hosts are names below it', 'localhost')
    .option(
      '--public-url <template>',
      "public URL of a host, for example 'https://{host}/'; default: as the newest edge says",
      urlTemplate,
    )
    .option('--name-bits <bits>', 'random bits in a preview host', bits, 128)
    .option('--token-seconds <n>', 'longest life of a tunnel token, 5 to 3600', tokenSeconds, 3600)
    .addOption(new Option('--log-level <level>').choices(['debug', 'info', 'warn', 'error', 'silent']).default('info'))
    .option('--json', 'one JSON line when ready')
    .addOption(new Option('--leashed', 'end when standard input ends').hideHelp())
    .addHelpText(
      'after',
      `
Environment:
  ADIT_ENROLMENT_KEY   agents enrol with it; several are separated by commas
  ADIT_BROKER_KEY      brokers register with it; several are separated by commas

Example:
  ADIT_ENROLMENT_KEY=… ADIT_BROKER_KEY=… adit control --listen 0.0.0.0:8090 --domain preview.example --public-url 'https://{host}/'`,
    )
    .action((flags: Flags) =>
      runRole(flags, async (log) => {
        const enrolmentKeys = keys('ADIT_ENROLMENT_KEY');
        const brokerKeys = keys('ADIT_BROKER_KEY');
        const { startControl } = await import('../../control/index.ts');
        const control = await startControl({
          host: flags.listen.host,
          port: flags.listen.port,
          database: flags.database,
          issuer: flags.issuer,
          enrolmentKeys,
          brokerKeys,
          domain: flags.domain,
          nameBits: flags.nameBits,
          tokenSeconds: flags.tokenSeconds,
          ...(flags.publicUrl === undefined ? {} : { publicUrl: flags.publicUrl }),
          log,
        });
        if (flags.json) printLine({ event: 'ready', role: 'control', address: control.address, pid: process.pid });
        else process.stdout.write(`control plane: http://${control.address}/openapi.json\n`);
        return control;
      }),
    );
}

function keys(name: string): string[] {
  const list = (secretFromEnvironment(name) ?? '').split(',').filter((key) => key !== '');
  if (list.length === 0)
    throw new CommandFailed(
      {
        code: 'usage',
        message: `${name} is not set`,
        hint: `give it at least one random key: ${name}=$(openssl rand -base64 32)`,
      },
      EXIT.usage,
    );
  return list;
}

function tokenSeconds(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 5 || value > 3600)
    throw new InvalidArgumentError('use a number from 5 to 3600.');
  return value;
}

function bits(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 20 || value > 256)
    throw new InvalidArgumentError('use a number from 20 to 256.');
  return value;
}
