import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import type { BrokerOptions } from '../broker/index.ts';
import { CommandFailed, EXIT } from './errors.ts';
import { listenAddress, type ListenAddress } from './listen-address.ts';
import { optionFile, secretFromEnvironment } from './role.ts';

export interface AcmeFlags {
  readonly acmeDirectory?: string;
  readonly acmeHost: string[];
  readonly acmeStore?: string;
  readonly acmeEmail?: string;
  readonly acmeAgreeTos?: boolean;
  readonly acmeCa?: string;
  readonly acmeHttpListen?: ListenAddress;
  readonly acmeDnsHook?: string;
  readonly acmeDnsTimeout: number;
  readonly acmeEabKid?: string;
}

/** A secret, hence no flag. */
const EAB_KEY = 'ADIT_ACME_EAB_KEY';

/** Adds the flags for certificates of visitors from an authority. */
export function addAcmeFlags(command: Command): Command {
  return command
    .option('--acme-directory <url>', 'have certificates for visitors issued by this authority (ACME)', directoryUrl)
    .option(
      '--acme-host <name>',
      'a host to have a certificate for; wildcards need --acme-dns-hook; may be repeated',
      addHost,
      [],
    )
    .option('--acme-store <folder>', 'where the account key and the certificates are kept')
    .option('--acme-agree-tos', "agree to the authority's terms of service")
    .option('--acme-email <address>', 'where the authority may write to')
    .option('--acme-ca <file>', "authority (PEM) of the directory's own TLS, beside the public ones")
    .option(
      '--acme-http-listen <address>',
      'plain listener for HTTP-01, to be reached on port 80; without it TLS-ALPN-01 is answered on --listen',
      listenAddress,
    )
    .option('--acme-dns-hook <program>', 'answers DNS-01: called as PROGRAM add|remove NAME VALUE for a TXT record')
    .option('--acme-dns-timeout <seconds>', 'how long it may take until the record can be seen', dnsTimeout, 120)
    .option('--acme-eab-kid <id>', 'external account of the authority; its key is in ADIT_ACME_EAB_KEY (base64url)');
}

/** The options of `--acme-…`; undefined without `--acme-directory`. Throws `CommandFailed` for what is missing. */
export async function acmeOf(flags: AcmeFlags): Promise<BrokerOptions['public']['acme']> {
  const { acmeDirectory: directory, acmeHost: hosts, acmeStore: store, acmeEmail: email } = flags;
  if (directory === undefined) {
    const { acmeAgreeTos, acmeCa, acmeHttpListen, acmeDnsHook, acmeEabKid } = flags;
    const stray = [...hosts, store, email, acmeAgreeTos, acmeCa, acmeHttpListen, acmeDnsHook, acmeEabKid];
    if (stray.some((value) => value !== undefined)) throw usage('--acme-… flags need --acme-directory');
    return undefined;
  }
  if (hosts.length === 0) throw usage('--acme-directory needs at least one --acme-host');
  if (store === undefined) throw usage('--acme-directory needs --acme-store, a folder that outlives the broker');
  if (flags.acmeAgreeTos !== true)
    throw usage(`--acme-directory needs --acme-agree-tos; the terms are named in "meta" of ${directory}`);
  const wildcard = hosts.find((host) => host.startsWith('*.'));
  if (wildcard !== undefined && flags.acmeDnsHook === undefined)
    throw usage(`${wildcard} needs --acme-dns-hook, or have it issued elsewhere and use --public-tls-cert`);
  const binding = bindingOf(flags.acmeEabKid);
  return {
    directory,
    hosts,
    store,
    ...(email === undefined ? {} : { email }),
    ...(flags.acmeCa === undefined ? {} : { ca: await optionFile('--acme-ca', flags.acmeCa) }),
    ...(flags.acmeHttpListen === undefined ? {} : { http: flags.acmeHttpListen }),
    ...(flags.acmeDnsHook === undefined
      ? {}
      : { dns: { program: flags.acmeDnsHook, timeoutMs: flags.acmeDnsTimeout * 1_000 } }),
    ...(binding === undefined ? {} : { binding }),
  };
}

/** External Account Binding: both halves or none. */
function bindingOf(kid: string | undefined): { kid: string; hmacKey: string } | undefined {
  const hmacKey = secretFromEnvironment(EAB_KEY);
  if (kid === undefined) return undefined;
  if (hmacKey === undefined || !/^[A-Za-z0-9_+/-]+=*$/.test(hmacKey))
    throw usage(`--acme-eab-kid needs the key of the external account in ${EAB_KEY}, in base64url`);
  return { kid, hmacKey };
}

function usage(message: string): CommandFailed {
  return new CommandFailed({ code: 'usage', message }, EXIT.usage);
}

function addHost(value: string, hosts: string[]): string[] {
  return [...hosts, value.toLowerCase()];
}

function dnsTimeout(text: string): number {
  const seconds = Number(text);
  if (!(seconds >= 1 && seconds <= 3_600)) throw new InvalidArgumentError('use seconds between 1 and 3600.');
  return seconds;
}

function directoryUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'https:')
    throw new InvalidArgumentError('use an https URL, as https://acme-v02.api.letsencrypt.org/directory.');
  return url.href;
}
