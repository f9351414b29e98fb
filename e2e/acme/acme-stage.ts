import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { connect } from 'node:tls';
import type { PeerCertificate } from 'node:tls';
import { startBroker } from '../../broker/index.ts';
import type { Broker, BrokerOptions } from '../../broker/index.ts';
import { makeCertificates } from '../../broker/testing/test-certificates.ts';
import type { TestCertificates } from '../../broker/testing/test-certificates.ts';
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
      log: pino({ level: 'info' }, { write }),
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
