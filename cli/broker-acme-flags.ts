import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import type { BrokerOptions } from '../broker/index.ts';
import { CommandFailed, EXIT } from './errors.ts';
import { listenAddress, type ListenAddress } from './listen-address.ts';
import { optionFile } from './role.ts';

export interface AcmeFlags {
  readonly acmeDirectory?: string;
  readonly acmeHost: string[];
  readonly acmeStore?: string;
  readonly acmeEmail?: string;
  readonly acmeAgreeTos?: boolean;
  readonly acmeCa?: string;
  readonly acmeHttpListen?: ListenAddress;
}

/** Adds the flags for certificates of visitors from an authority. */
export function addAcmeFlags(command: Command): Command {
  return command
    .option('--acme-directory <url>', 'have certificates for visitors issued by this authority (ACME)', directoryUrl)
    .option('--acme-host <name>', 'a host to have a certificate for; no wildcards; may be repeated', addHost, [])
    .option('--acme-store <folder>', 'where the account key and the certificates are kept')
    .option('--acme-agree-tos', "agree to the authority's terms of service")
    .option('--acme-email <address>', 'where the authority may write to')
    .option('--acme-ca <file>', "authority (PEM) of the directory's own TLS, beside the public ones")
    .option(
      '--acme-http-listen <address>',
      'plain listener for HTTP-01, to be reached on port 80; without it TLS-ALPN-01 is answered on --listen',
      listenAddress,
    );
}

/** The options of `--acme-…`; undefined without `--acme-directory`. Throws `CommandFailed` for what is missing. */
export async function acmeOf(flags: AcmeFlags): Promise<BrokerOptions['public']['acme']> {
  const { acmeDirectory: directory, acmeHost: hosts, acmeStore: store, acmeEmail: email } = flags;
  if (directory === undefined) {
    const stray = [...hosts, store, email, flags.acmeAgreeTos, flags.acmeCa, flags.acmeHttpListen];
    if (stray.some((value) => value !== undefined)) throw usage('--acme-… flags need --acme-directory');
    return undefined;
  }
  if (hosts.length === 0) throw usage('--acme-directory needs at least one --acme-host');
  if (store === undefined) throw usage('--acme-directory needs --acme-store, a folder that outlives the broker');
  if (flags.acmeAgreeTos !== true)
    throw usage(`--acme-directory needs --acme-agree-tos; the terms are named in "meta" of ${directory}`);
  return {
    directory,
    hosts,
    store,
    ...(email === undefined ? {} : { email }),
    ...(flags.acmeCa === undefined ? {} : { ca: await optionFile('--acme-ca', flags.acmeCa) }),
    ...(flags.acmeHttpListen === undefined ? {} : { http: flags.acmeHttpListen }),
  };
}

function usage(message: string): CommandFailed {
  return new CommandFailed({ code: 'usage', message }, EXIT.usage);
}

function addHost(value: string, hosts: string[]): string[] {
  const host = value.toLowerCase();
  if (host.startsWith('*.'))
    throw new InvalidArgumentError('a wildcard needs DNS-01: have it issued elsewhere and use --public-tls-cert.');
  return [...hosts, host];
}

function directoryUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'https:')
    throw new InvalidArgumentError('use an https URL, as https://acme-v02.api.letsencrypt.org/directory.');
  return url.href;
}
