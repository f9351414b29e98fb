import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { Resolver } from 'node:dns/promises';
import { request } from 'node:https';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { AcmeBinaries } from './binaries.ts';

const HOST = '127.0.0.1';
const DAY_SECONDS = 86_400;

/** What one run of the authority is like. */
export interface PebbleRun {
  /** Of a certificate. */
  readonly lifetimeSeconds?: number;
  /** External accounts, by their name: no account without one of these keys (base64url). */
  readonly externalKeys?: Readonly<Record<string, string>>;
}

export interface PebbleSetup {
  readonly binaries: AcmeBinaries;
  /** For configuration and logs. */
  readonly folder: string;
  /** Files of the server's own TLS, for `localhost`, and the PEM of who signed it. */
  readonly tls: { readonly cert: string; readonly key: string };
  readonly ca: string;
  /** Where it looks for the answers to challenges, whatever the name. */
  readonly tlsPort: number;
  readonly httpPort: number;
  readonly blocked: readonly string[];
}

interface PebblePorts {
  readonly acme: number;
  readonly management: number;
  readonly dns: number;
  readonly records: number;
}

/** A real ACME server, with a name server that leads every name to this machine. It can be stopped and started again. */
export class Pebble {
  readonly directory: string;
  readonly log: string[] = [];
  readonly #setup: PebbleSetup;
  readonly #ports: PebblePorts;
  #children: ChildProcess[] = [];

  private constructor(setup: PebbleSetup, ports: PebblePorts) {
    this.#setup = setup;
    this.#ports = ports;
    this.directory = `https://localhost:${ports.acme}/dir`;
  }

  /** Reserves ports; nothing runs yet. */
  static async prepare(setup: PebbleSetup): Promise<Pebble> {
    const [acme, management, dns, records] = [await freePort(), await freePort(), await freePort(), await freePort()];
    return new Pebble(setup, { acme, management, dns, records });
  }

  /** A fresh authority: accounts and orders of the one before are unknown to it. */
  async start({ lifetimeSeconds = 90 * DAY_SECONDS, externalKeys }: PebbleRun = {}): Promise<void> {
    const { binaries, folder, tls, tlsPort, httpPort, blocked } = this.#setup;
    const { acme, management, dns, records } = this.#ports;
    const config = join(folder, 'pebble.json');
    await writeFile(
      config,
      JSON.stringify({
        pebble: {
          listenAddress: `${HOST}:${acme}`,
          managementListenAddress: `${HOST}:${management}`,
          certificate: tls.cert,
          privateKey: tls.key,
          httpPort,
          tlsPort,
          domainBlocklist: blocked,
          externalAccountBindingRequired: externalKeys !== undefined,
          externalAccountMACKeys: externalKeys ?? {},
          profiles: { default: { description: 'of the tests', validityPeriod: lifetimeSeconds } },
        },
      }),
    );
    // The name server answers over UDP; its other servers are off.
    await this.#run(
      binaries.challtestsrv,
      [
        '-dnsserver',
        `${HOST}:${dns}`,
        '-defaultIPv4',
        HOST,
        '-defaultIPv6',
        '',
        '-management',
        `${HOST}:${records}`,
      ].concat(['-http01', '-https01', '-tlsalpn01', '-doh'].flatMap((flag) => [flag, ''])),
      /Starting management server/,
    );
    await this.#run(
      binaries.pebble,
      ['-config', config, '-dnsserver', `${HOST}:${dns}`],
      /ACME directory available at/,
    );
  }

  async stop(): Promise<void> {
    const children = this.#children;
    this.#children = [];
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    }
  }

  /** Where the name server is told of records. */
  get recordsUrl(): string {
    return `http://${HOST}:${this.#ports.records}`;
  }

  /** The TXT records that the name server gives for `name`. */
  async records(name: string): Promise<readonly string[]> {
    const resolver = new Resolver();
    resolver.setServers([`${HOST}:${this.#ports.dns}`]);
    const found = await resolver.resolveTxt(name).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENODATA' || error.code === 'ENOTFOUND') return [];
      throw error;
    });
    return found.map((pieces) => pieces.join(''));
  }

  /** PEM of the authority that signs what is issued now. */
  root(): Promise<string> {
    return this.#manage('GET', 'roots/0');
  }

  /** What the authority says from now on when it is asked when to renew `certificate` (PEM). */
  async sayOfRenewal(certificate: string, wish: unknown): Promise<void> {
    await this.#manage(
      'POST',
      'set-renewal-info/',
      JSON.stringify({ Certificate: certificate, ARIResponse: JSON.stringify(wish) }),
    );
  }

  #manage(method: string, path: string, body?: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const url = `https://localhost:${this.#ports.management}/${path}`;
      const headers = { 'user-agent': 'adit-tests' };
      const sent = request(url, { method, headers, ca: this.#setup.ca, family: 4 }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
        response.on('end', () =>
          response.statusCode === 200 ? resolve(text) : reject(new Error(`${url}: ${response.statusCode} ${text}`)),
        );
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }

  async #run(program: string, args: string[], ready: RegExp): Promise<void> {
    const child = spawn(program, args, {
      env: { ...process.env, PEBBLE_VA_NOSLEEP: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#children.push(child);
    await new Promise<void>((resolve, reject) => {
      const onText = (text: string): void => {
        this.log.push(text);
        if (ready.test(text)) resolve();
      };
      child.stdout.setEncoding('utf8').on('data', onText);
      child.stderr.setEncoding('utf8').on('data', onText);
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`${program} ended with ${code}: ${this.log.join('')}`)));
    });
  }
}

/** A port that nobody listened on a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
