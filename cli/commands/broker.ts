import { Command, InvalidArgumentError, Option } from 'commander';
import type { BrokerOptions } from '../../broker/index.ts';
import { CommandFailed, EXIT } from '../errors.ts';
import { listenAddress, listenOption, type ListenAddress } from '../listen-address.ts';
import { acmeOf, addAcmeFlags, type AcmeFlags } from '../broker-acme-flags.ts';
import { addLimitFlags, limitsOf } from '../broker-limit-flags.ts';
import { graceSeconds } from '../grace-seconds.ts';
import { optionFile, printLine, runRole, secretFromEnvironment, type RoleFlags } from '../role.ts';
import { controlUrl, urlTemplate } from '../url-flags.ts';
import { collectAtRest } from '../../shared/process/collect-at-rest.ts';
import { tuneCollector } from '../../shared/process/tune-collector.ts';

interface Flags extends RoleFlags, AcmeFlags {
  readonly id: string;
  readonly region: string;
  readonly role: 'both' | 'tunnel' | 'edge';
  readonly listen: ListenAddress;
  readonly tunnelListen: ListenAddress;
  readonly peerListen?: ListenAddress;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly publicTlsCert: string[];
  readonly publicTlsKey: string[];
  readonly developmentCa?: string;
  readonly trust: string[];
  readonly proxyProtocol?: boolean;
  readonly peer: string[];
  readonly control?: string;
  readonly jwks?: string;
  readonly issuer: string;
  readonly publicUrl?: string;
  readonly tunnelUrl?: string;
  readonly grace: number;
}

const HURRY_MS = 1_000;
const CLOSE_SLACK_MS = 3_000;

export function brokerCommand(): Command {
  return addLimitFlags(addAcmeFlags(new Command('broker')))
    .description('accept tunnels from agents (role tunnel) and visitors (role edge), and bring them together')
    .requiredOption('--id <id>', 'name of this broker, unique among all')
    .option('--region <region>', 'where it stands', 'default')
    .addOption(new Option('--role <role>', 'which side it serves').choices(['both', 'tunnel', 'edge']).default('both'))
    .addOption(listenOption('--listen <address>', 'public listener for visitors', '127.0.0.1:8080'))
    .addOption(listenOption('--tunnel-listen <address>', 'listener for agents', '127.0.0.1:8443'))
    .option('--peer-listen <address>', 'listener for edges, health and metrics; keep it private', listenAddress)
    .option('--public-tls-cert <file>', 'certificate chain for visitors (PEM); repeat for more names', addFile, [])
    .option('--public-tls-key <file>', 'its key (PEM), in the same order; both are read again on change', addFile, [])
    .option(
      '--development-ca <folder>',
      'for visitors of *.localhost and *.test: sign certificates with the authority in this folder, made when there is none',
    )
    .option('--trust <range>', 'address or CIDR of a proxy in front of --listen; may be repeated', addFile, [])
    .option('--proxy-protocol', 'connections from --trust begin with a PROXY header (version 1 or 2)')
    .option('--tls-cert <file>', 'certificate chain of the tunnel listener (PEM)')
    .option('--tls-key <file>', 'its key (PEM)')
    .option('--peer <address>', 'peer listener of another broker to relay to; may be repeated', collect, [])
    .option(
      '--control <url>',
      'control plane: signing keys come from there, and the broker registers there',
      controlUrl,
    )
    .option('--jwks <file>', 'signing keys from a file instead')
    .option('--issuer <name>', 'issuer of the tokens', 'adit')
    .option('--public-url <template>', "public URL of a host, for example 'https://{host}/'", urlTemplate)
    .option(
      '--tunnel-url <url>',
      'where agents dial, when it is not the listener itself; wss://HOST:PORT/tunnel',
      tunnelUrl,
    )
    .option('--grace <seconds>', 'on SIGTERM, let what is open live for at most this long', graceSeconds, 30)
    .addOption(new Option('--log-level <level>').choices(['debug', 'info', 'warn', 'error', 'silent']).default('info'))
    .option('--json', 'one JSON line when ready, and one per event')
    .addOption(new Option('--leashed', 'end when standard input ends').hideHelp())
    .addHelpText(
      'after',
      `
Environment:
  ADIT_BROKER_KEY    lets the broker register at the control plane
  ADIT_PEER_SECRET   shared by brokers and edges; needed for --peer and --peer-listen
  ADIT_ACME_EAB_KEY  key of the external account of --acme-eab-kid (base64url)

Examples:
  adit broker --id fra-1 --region fra --control https://control.example --tls-cert tls.pem --tls-key key.pem \\
    --listen 0.0.0.0:80 --tunnel-listen 0.0.0.0:443 --peer-listen 10.0.0.5:9000
  adit broker --id edge-1 --role edge --listen 0.0.0.0:80 --peer 10.0.0.5:9000 --peer 10.0.0.6:9000
  adit broker --id edge-1 --role edge --listen 0.0.0.0:443 --peer 10.0.0.5:9000 --acme-agree-tos \\
    --acme-directory https://acme-v02.api.letsencrypt.org/directory --acme-host shop.example --acme-store /var/lib/adit`,
    )
    .action((flags: Flags) =>
      runRole(flags, async (log) => {
        tuneCollector();
        collectAtRest();
        const { startBroker } = await import('../../broker/index.ts');
        const broker = await startBroker({ ...(await brokerOptions(flags)), log });
        const { public: address, peer, tunnelUrl } = broker.addresses;
        if (flags.json) {
          const role = flags.role === 'edge' ? 'edge' : 'broker';
          printLine({
            event: 'ready',
            role,
            id: flags.id,
            region: flags.region,
            address,
            tunnel: tunnelUrl,
            peer,
            pid: process.pid,
          });
        } else {
          process.stdout.write(
            `broker ${flags.id}: visitors on ${address}${tunnelUrl ? `, agents on ${tunnelUrl}` : ''}${peer ? `, peers on ${peer}` : ''}\n`,
          );
        }
        const graceMs = flags.grace * 1_000;
        return {
          close: async ({ hurry }) => {
            await broker.drain({ graceMs: hurry ? Math.min(graceMs, HURRY_MS) : graceMs });
            await broker.close();
          },
          closeWithinMs: graceMs + CLOSE_SLACK_MS,
        };
      }),
    );
}

async function brokerOptions(flags: Flags): Promise<Omit<BrokerOptions, 'log'>> {
  const tunnel = flags.role !== 'edge';
  const edge = flags.role !== 'tunnel';
  if ((flags.tlsCert === undefined) !== (flags.tlsKey === undefined)) {
    throw new CommandFailed({ code: 'usage', message: '--tls-cert and --tls-key belong together' }, EXIT.usage);
  }
  if (flags.publicTlsCert.length !== flags.publicTlsKey.length) {
    throw new CommandFailed(
      { code: 'usage', message: 'each --public-tls-cert needs its --public-tls-key' },
      EXIT.usage,
    );
  }
  const publicTls = flags.publicTlsCert.map((cert, at) => ({ cert, key: flags.publicTlsKey[at] ?? '' }));
  if (tunnel && flags.control === undefined && flags.jwks === undefined) {
    throw new CommandFailed(
      { code: 'usage', message: 'a tunnel broker needs signing keys: --control URL or --jwks FILE' },
      EXIT.usage,
    );
  }
  const peerSecret = secretFromEnvironment('ADIT_PEER_SECRET');
  if ((flags.peer.length > 0 || flags.peerListen) && peerSecret === undefined) {
    throw new CommandFailed(
      { code: 'usage', message: 'peers need a secret in common', hint: 'set ADIT_PEER_SECRET' },
      EXIT.usage,
    );
  }
  const tls =
    flags.tlsCert !== undefined && flags.tlsKey !== undefined
      ? { cert: await optionFile('--tls-cert', flags.tlsCert), key: await optionFile('--tls-key', flags.tlsKey) }
      : undefined;
  const brokerKey = secretFromEnvironment('ADIT_BROKER_KEY');
  const acme = await acmeOf(flags);
  return {
    id: flags.id,
    region: flags.region,
    roles: [...(tunnel ? (['tunnel'] as const) : []), ...(edge ? (['edge'] as const) : [])],
    public: {
      ...flags.listen,
      ...(publicTls.length > 0 ? { tls: publicTls } : {}),
      ...(acme === undefined ? {} : { acme }),
      ...(flags.developmentCa === undefined ? {} : { developmentCa: flags.developmentCa }),
      ...(flags.proxyProtocol === true ? { proxyProtocol: true } : {}),
    },
    trust: flags.trust,
    limits: limitsOf({ ...flags }),
    issuer: flags.issuer,
    peers: flags.peer,
    ...(tunnel ? { tunnel: { ...flags.tunnelListen, ...(tls ? { tls } : {}) } } : {}),
    ...(flags.peerListen ? { peer: flags.peerListen } : {}),
    ...(peerSecret === undefined ? {} : { peerSecret }),
    ...(flags.control === undefined
      ? {}
      : { control: { url: flags.control, ...(brokerKey === undefined ? {} : { brokerKey }) } }),
    ...(flags.jwks === undefined ? {} : { jwksFile: flags.jwks }),
    ...(flags.publicUrl === undefined ? {} : { publicUrl: flags.publicUrl }),
    ...(flags.tunnelUrl === undefined ? {} : { tunnelUrl: flags.tunnelUrl }),
  };
}

function tunnelUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['ws:', 'wss:'].includes(url.protocol))
    throw new InvalidArgumentError('use wss://HOST:PORT/tunnel.');
  return url.href;
}

function addFile(value: string, files: string[]): string[] {
  return [...files, value];
}

function collect(value: string, list: string[]): string[] {
  if (!/^\S+:\d{1,5}$/.test(value)) throw new InvalidArgumentError('use HOST:PORT.');
  return [...list, value];
}
