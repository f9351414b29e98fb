import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pino } from 'pino';
import { connect } from 'node:tls';
import type { PeerCertificate } from 'node:tls';
import { startBroker } from '../../broker/index.ts';
import type { Broker, BrokerOptions } from '../../broker/index.ts';
import { makeCertificates } from '../../broker/testing/test-certificates.ts';
import type { TestCertificates } from '../../broker/testing/test-certificates.ts';
import { adit } from '../support/running-stack.ts';
import type { AcmeBinaries } from './binaries.ts';
import { freePort, Pebble } from './pebble.ts';

export const HOST = 'shop.example.test';
/** The authority gives it to nobody. */
export const BLOCKED = 'blocked.example.test';

export interface LogLine {
  readonly msg: string;
  readonly host?: string;
  readonly reason?: string;
  readonly failures?: number;
  readonly retryInMs?: number;
}

/** `adit broker` as a process. */
export interface BrokerProgram {
  /** What it wrote, both outputs. */
  readonly lines: readonly string[];
  /** With its exit code. */
  readonly ended: Promise<number | null>;
  stop(): Promise<void>;
}

/** An authority, brokers that ask it for certificates, and visitors who look at these. */
export class AcmeStage {
  readonly folder: string;
  readonly own: TestCertificates;
  readonly pebble: Pebble;
  readonly ports: { readonly tls: number; readonly http: number };
  readonly lines: LogLine[] = [];
  readonly #binaries: AcmeBinaries;
  #broker: Broker | undefined;

  private constructor(made: Pick<AcmeStage, 'folder' | 'own' | 'pebble' | 'ports'>, binaries: AcmeBinaries) {
    this.folder = made.folder;
    this.own = made.own;
    this.pebble = made.pebble;
    this.ports = made.ports;
    this.#binaries = binaries;
  }

  /** The authority looks for brokers at the ports of this stage; it does not run yet. */
  static async prepare(binaries: AcmeBinaries): Promise<AcmeStage> {
    const folder = await mkdtemp(join(tmpdir(), 'adit-acme-'));
    const own = await makeCertificates();
    const ports = { tls: await freePort(), http: await freePort() };
    const pebble = await preparePebble(binaries, { folder, own, ports });
    return new AcmeStage({ folder, own, pebble, ports }, binaries);
  }

  /** An authority of the same kind that looks elsewhere. */
  async preparePebbleElsewhere(): Promise<Pebble> {
    const ports = { tls: await freePort(), http: await freePort() };
    return preparePebble(this.#binaries, { folder: this.folder, own: this.own, ports });
  }

  async remove(): Promise<void> {
    await this.stopBroker();
    await this.pebble.stop();
    await this.own.remove();
    await rm(this.folder, { recursive: true, force: true });
  }

  async startBroker(
    acme: Partial<NonNullable<BrokerOptions['public']['acme']>> = {},
    more: Partial<BrokerOptions['public']> = {},
  ): Promise<void> {
    const write = (text: string): void => void this.lines.push(JSON.parse(text) as LogLine);
    this.#broker = await startBroker({
      id: 'e1',
      region: 'here',
      roles: ['edge'],
      issuer: 'adit',
      log: pino({ level: 'debug' }, { write }),
      public: {
        host: '127.0.0.1',
        port: this.ports.tls,
        ...more,
        acme: {
          directory: this.pebble.directory,
          hosts: [HOST],
          store: join(this.folder, 'store'),
          email: 'ops@example.test',
          ca: this.own.ca,
          retry: { firstMs: 400, mostMs: 1_600 },
          ...acme,
        },
      },
    });
  }

  /** The same by the flags of the command line. */
  async startProgram(flags: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<BrokerProgram> {
    const ca = join(this.folder, 'ca.pem');
    await writeFile(ca, this.own.ca);
    const own = ['--id', 'e1', '--role', 'edge', '--listen', `127.0.0.1:${this.ports.tls}`, '--json', '--leashed'];
    const acme = ['--acme-directory', this.pebble.directory, '--acme-host', HOST, '--acme-ca', ca, '--acme-agree-tos'];
    const store = ['--acme-store', join(this.folder, 'store')];
    const child = spawn(process.execPath, [adit, 'broker', ...own, ...acme, ...store, ...flags], {
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const lines: string[] = [];
    for (const output of [child.stdout, child.stderr])
      createInterface({ input: output }).on('line', (line) => lines.push(line));
    const ended = new Promise<number | null>((done) => child.once('close', (code) => done(code)));
    const stop = async (): Promise<void> => {
      child.stdin.end();
      await ended;
    };
    return { lines, ended, stop };
  }

  async stopBroker(): Promise<void> {
    await this.#broker?.close();
    this.#broker = undefined;
  }

  issued(host = HOST): readonly LogLine[] {
    return this.lines.filter((line) => line.msg.includes('issued by ACME') && line.host === host);
  }

  refused(host = HOST): readonly LogLine[] {
    return this.lines.filter((line) => line.msg.includes('no new certificate') && line.host === host);
  }

  /** What a visitor that believes `ca` is shown; rejects when it does not believe it. Without `ca` any is believed. */
  async shown(ca: string | undefined, name = HOST): Promise<PeerCertificate> {
    const belief = ca === undefined ? { rejectUnauthorized: false } : { ca };
    const socket = connect({ host: '127.0.0.1', port: this.ports.tls, servername: name, ...belief });
    try {
      await once(socket, 'secureConnect');
      return socket.getPeerCertificate();
    } finally {
      socket.destroy();
    }
  }

  /** PEM of the certificate for `HOST` that is kept. */
  async keptCertificate(): Promise<string> {
    const [, certificate] =
      /(-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----)/s.exec(
        await readFile(await this.keptFile(), 'utf8'),
      ) ?? [];
    if (certificate === undefined) throw new Error('the file holds no certificate');
    return certificate;
  }

  /** The file of the certificate for `HOST` and its key. */
  async keptFile(): Promise<string> {
    const store = join(this.folder, 'store');
    const [authority = ''] = await readdir(store);
    return join(store, authority, `${HOST}.pem`);
  }
}

async function preparePebble(
  binaries: AcmeBinaries,
  { folder, own, ports }: Pick<AcmeStage, 'folder' | 'own' | 'ports'>,
): Promise<Pebble> {
  return Pebble.prepare({
    binaries,
    folder,
    tls: await own.write('pebble', ['localhost']),
    ca: own.ca,
    tlsPort: ports.tls,
    httpPort: ports.http,
    blocked: [BLOCKED],
  });
}
