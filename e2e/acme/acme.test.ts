import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pino } from 'pino';
import { connect } from 'node:tls';
import type { PeerCertificate } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startBroker } from '../../broker/index.ts';
import type { Broker, BrokerOptions } from '../../broker/index.ts';
import { makeCertificates } from '../../broker/testing/test-certificates.ts';
import type { TestCertificates } from '../../broker/testing/test-certificates.ts';
import { until } from '../../broker/testing/test-broker.ts';
import { adit } from '../support/running-stack.ts';
import { acmeBinaries } from './binaries.ts';
import { freePort, Pebble } from './pebble.ts';

const HOST = 'shop.example.test';
const BLOCKED = 'blocked.example.test';
const NOT_HERE = 'elsewhere.example.test';
const LIFETIME_SECONDS = 12;
const binaries = await acmeBinaries();

interface Line {
  readonly msg: string;
  readonly host?: string;
  readonly reason?: string;
  readonly failures?: number;
  readonly retryInMs?: number;
}

describe.skipIf(binaries === undefined)('certificates by ACME from a real authority', () => {
  let own: TestCertificates;
  let ownFiles: { cert: string; key: string };
  let folder: string;
  let ports: { tls: number; http: number };
  let pebble: Pebble;
  let broker: Broker | undefined;
  let lines: Line[];

  beforeAll(async () => {
    own = await makeCertificates();
    ownFiles = await own.write('pebble', ['localhost']);
  });
  afterAll(() => own.remove());

  beforeEach(async () => {
    if (binaries === undefined) return;
    folder = await mkdtemp(join(tmpdir(), 'adit-acme-'));
    ports = { tls: await freePort(), http: await freePort() };
    pebble = await Pebble.prepare({
      binaries,
      folder,
      tls: ownFiles,
      ca: own.ca,
      tlsPort: ports.tls,
      httpPort: ports.http,
      lifetimeSeconds: LIFETIME_SECONDS,
      blocked: [BLOCKED],
    });
    lines = [];
  });
  afterEach(async () => {
    await broker?.close();
    broker = undefined;
    await pebble.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function start(
    changes: Partial<NonNullable<BrokerOptions['public']['acme']>> = {},
    more: Partial<BrokerOptions['public']> = {},
  ): Promise<Broker> {
    const log = pino({ level: 'info' }, { write: (text: string) => void lines.push(JSON.parse(text) as Line) });
    broker = await startBroker({
      id: 'e1',
      region: 'here',
      roles: ['edge'],
      issuer: 'adit',
      log,
      public: {
        host: '127.0.0.1',
        port: ports.tls,
        ...more,
        acme: {
          directory: pebble.directory,
          hosts: [HOST],
          store: join(folder, 'store'),
          email: 'ops@example.test',
          ca: own.ca,
          retry: { firstMs: 400, mostMs: 1_600 },
          ...changes,
        },
      },
    });
    return broker;
  }

  const issued = (host = HOST): Line[] =>
    lines.filter((line) => line.msg.includes('issued by ACME') && line.host === host);
  const refused = (host = HOST): Line[] =>
    lines.filter((line) => line.msg.includes('no new certificate') && line.host === host);

  /** What a visitor that believes `ca` is shown; rejects when it does not believe it. */
  async function shown(ca: string, name = HOST): Promise<PeerCertificate> {
    const socket = connect({ host: '127.0.0.1', port: ports.tls, servername: name, ca });
    try {
      await once(socket, 'secureConnect');
      return socket.getPeerCertificate();
    } finally {
      socket.destroy();
    }
  }

  test('one is issued by TLS-ALPN-01 on the public listener, kept for the owner only, and used after a restart', async () => {
    await pebble.start();
    await start();
    await until(() => issued().length > 0, 20_000);
    const first = await shown(await pebble.root());
    expect(first.subjectaltname).toBe(`DNS:${HOST}`);
    expect(pebble.log.join('')).not.toContain('Attempting to validate w/ HTTP');
    const [authority] = await readdir(join(folder, 'store'));
    const store = join(folder, 'store', authority ?? '');
    expect((await stat(store)).mode & 0o777).toBe(0o700);
    expect((await readdir(store)).toSorted()).toEqual(['account-key.pem', `${HOST}.pem`]);
    for (const name of await readdir(store)) expect((await stat(join(store, name))).mode & 0o777).toBe(0o600);
    const account = await readFile(join(store, 'account-key.pem'), 'utf8');
    await broker?.close();
    await start();
    expect((await shown(await pebble.root())).serialNumber).toBe(first.serialNumber);
    expect(await readFile(join(store, 'account-key.pem'), 'utf8')).toBe(account);
  });

  test('it is renewed before its end, while visitors go on', async () => {
    await pebble.start();
    await start();
    await until(() => issued().length > 0, 20_000);
    const root = await pebble.root();
    const first = await shown(root);
    await until(() => issued().length > 1, 30_000);
    const second = await shown(root);
    expect(second.serialNumber).not.toBe(first.serialNumber);
    // Renewed in time: the first was still good then.
    expect(Date.parse(second.valid_from)).toBeLessThan(Date.parse(first.valid_to));
    expect(refused()).toEqual([]);
  });

  test('with a plain listener it is issued by HTTP-01, and everybody else there is sent to HTTPS', async () => {
    await pebble.start();
    await start({ http: { host: '127.0.0.1', port: ports.http } });
    await until(() => issued().length > 0, 20_000);
    expect(pebble.log.join('')).toContain('Attempting to validate w/ HTTP');
    const plain = `http://127.0.0.1:${ports.http}`;
    const moved = await fetch(`${plain}/a?b=c`, { redirect: 'manual' });
    expect([moved.status, moved.headers.get('location')]).toEqual([308, 'https://127.0.0.1/a?b=c']);
    expect((await fetch(`${plain}/.well-known/acme-challenge/guess`)).status).toBe(404);
  });

  test('an order that is refused says so, and does not stop another host', async () => {
    await pebble.start();
    await start({ hosts: [BLOCKED, HOST] });
    await until(() => issued().length > 0 && refused(BLOCKED).length > 1, 20_000);
    expect(refused(BLOCKED)[0]?.reason).toMatch(
      new RegExp(`^the order for ${BLOCKED} was refused: .*(blocked|policy)`, 'i'),
    );
    expect(refused(BLOCKED)[1]).toMatchObject({ failures: 2 });
    await shown(await pebble.root());
  });

  test('a name that does not lead here is not proved, and the reason of the authority is told', async () => {
    const elsewhere = await Pebble.prepare({
      binaries: binaries ?? { pebble: '', challtestsrv: '' },
      folder,
      tls: ownFiles,
      ca: own.ca,
      tlsPort: await freePort(),
      httpPort: await freePort(),
      lifetimeSeconds: LIFETIME_SECONDS,
      blocked: [],
    });
    try {
      await elsewhere.start();
      await start({ hosts: [NOT_HERE], directory: elsewhere.directory });
      await until(() => refused(NOT_HERE).length > 0, 20_000);
      expect(refused(NOT_HERE)[0]?.reason).toMatch(
        new RegExp(`^${NOT_HERE} was not proved by tls-alpn-01: .*(refused|Failed to connect)`),
      );
    } finally {
      await elsewhere.stop();
    }
  });

  test('an authority that is away is asked again later and later, the old certificate serves on, then a new one', async () => {
    await pebble.start();
    await start();
    await until(() => issued().length > 0, 20_000);
    const root = await pebble.root();
    const { serialNumber } = await shown(root);
    await pebble.stop();
    await until(() => refused().length >= 4, 40_000);
    expect(refused()[0]?.reason).toMatch(/^no account at https:\/\/localhost:\d+\/dir: .*ECONNREFUSED/);
    const waits = refused().map(({ retryInMs }) => retryInMs ?? 0);
    for (const [at, whole] of [400, 800, 1_600, 1_600].entries()) {
      expect(waits[at]).toBeGreaterThanOrEqual(whole / 2);
      expect(waits[at]).toBeLessThanOrEqual(whole);
    }
    const shownNow = await new Promise<PeerCertificate>((resolve, reject) => {
      // Expired by now perhaps: what counts is that the broker did not let go of it.
      const socket = connect({ host: '127.0.0.1', port: ports.tls, servername: HOST, rejectUnauthorized: false });
      socket.once('secureConnect', () => {
        resolve(socket.getPeerCertificate());
        socket.destroy();
      });
      socket.once('error', reject);
    });
    expect(shownNow.serialNumber).toBe(serialNumber);
    const before = issued().length;
    await pebble.start();
    await until(() => issued().length > before, 20_000);
    await shown(await pebble.root());
  });

  test('certificates in files serve beside those of the authority', async () => {
    await pebble.start();
    const files = await own.write('files', ['files.example.test']);
    await start({}, { tls: [files] });
    expect((await shown(own.ca, 'files.example.test')).subject.CN).toBe('files.example.test');
    await until(() => issued().length > 0, 20_000);
    await shown(await pebble.root());
    expect((await shown(own.ca, 'files.example.test')).subject.CN).toBe('files.example.test');
  });

  test('a broker stops at once while the authority does not answer', async () => {
    await start({ directory: `https://localhost:${await freePort()}/dir` });
    await until(() => refused().length > 0);
    await broker?.close();
    const count = lines.length;
    await pebble.start();
    expect(lines).toHaveLength(count);
  });

  test('wildcards and hosts that are none are refused at the start, with what to do instead', async () => {
    await expect(start({ hosts: ['*.example.test'] })).rejects.toThrow(/wildcard needs DNS-01.*public\.tls/);
    for (const host of ['localhost', 'Shop.example.test', 'a.example.test:443', '../../etc/passwd'])
      await expect(start({ hosts: [host] })).rejects.toThrow(/not a full host name/);
  });

  test('the flags of `adit broker` do it', async () => {
    await pebble.start();
    const ca = join(folder, 'ca.pem');
    await writeFile(ca, own.ca);
    const flags = ['--acme-directory', pebble.directory, '--acme-host', HOST, '--acme-ca', ca, '--acme-agree-tos'];
    const child = spawn(
      process.execPath,
      [adit, 'broker', '--id', 'e1', '--role', 'edge', '--listen', `127.0.0.1:${ports.tls}`, '--json', '--leashed']
        .concat(flags)
        .concat('--acme-store', join(folder, 'store')),
      { stdio: ['pipe', 'pipe', 'pipe'] },
    );
    try {
      const logged: string[] = [];
      createInterface({ input: child.stderr }).on('line', (line) => logged.push(line));
      await until(() => logged.some((line) => line.includes('issued by ACME')), 30_000);
      expect((await shown(await pebble.root())).subjectaltname).toBe(`DNS:${HOST}`);
    } finally {
      const ended = once(child, 'exit');
      child.stdin.end();
      await ended;
    }
  });
});
