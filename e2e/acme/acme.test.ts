import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../../broker/testing/test-broker.ts';
import { AcmeStage, BLOCKED, HOST } from './acme-stage.ts';
import { acmeBinaries } from './binaries.ts';
import { freePort } from './pebble.ts';

const NOT_HERE = 'elsewhere.example.test';
/** Seconds; short enough to be renewed while a test runs. */
const SHORT = { lifetimeSeconds: 12 };
const binaries = await acmeBinaries();

describe.skipIf(binaries === undefined)('certificates by ACME from a real authority', () => {
  let stage: AcmeStage;

  beforeEach(async () => {
    if (binaries !== undefined) stage = await AcmeStage.prepare(binaries);
  });
  afterEach(() => stage.remove());

  test('one is issued by TLS-ALPN-01 on the public listener, kept for the owner only, and used after a restart', async () => {
    await stage.pebble.start();
    await stage.startBroker();
    await until(() => stage.issued().length > 0, 20_000);
    const first = await stage.shown(await stage.pebble.root());
    expect(first.subjectaltname).toBe(`DNS:${HOST}`);
    expect(stage.pebble.log.join('')).not.toContain('Attempting to validate w/ HTTP');
    const [authority] = await readdir(join(stage.folder, 'store'));
    const store = join(stage.folder, 'store', authority ?? '');
    expect((await stat(store)).mode & 0o777).toBe(0o700);
    expect((await readdir(store)).toSorted()).toEqual(['account-key.pem', `${HOST}.pem`]);
    for (const name of await readdir(store)) expect((await stat(join(store, name))).mode & 0o777).toBe(0o600);
    const account = await readFile(join(store, 'account-key.pem'), 'utf8');
    await stage.stopBroker();
    await stage.startBroker();
    expect((await stage.shown(await stage.pebble.root())).serialNumber).toBe(first.serialNumber);
    expect(await readFile(join(store, 'account-key.pem'), 'utf8')).toBe(account);
  });

  test('it is renewed before its end, while visitors go on', async () => {
    await stage.pebble.start(SHORT);
    await stage.startBroker();
    await until(() => stage.issued().length > 0, 20_000);
    const root = await stage.pebble.root();
    const first = await stage.shown(root);
    await until(() => stage.issued().length > 1, 30_000);
    const second = await stage.shown(root);
    expect(second.serialNumber).not.toBe(first.serialNumber);
    // Renewed in time: the first was still good then.
    expect(Date.parse(second.valid_from)).toBeLessThan(Date.parse(first.valid_to));
    expect(stage.refused()).toEqual([]);
  });

  test('with a plain listener it is issued by HTTP-01, and everybody else there is sent to HTTPS', async () => {
    await stage.pebble.start();
    await stage.startBroker({ http: { host: '127.0.0.1', port: stage.ports.http } });
    await until(() => stage.issued().length > 0, 20_000);
    expect(stage.pebble.log.join('')).toContain('Attempting to validate w/ HTTP');
    const plain = `http://127.0.0.1:${stage.ports.http}`;
    const moved = await fetch(`${plain}/a?b=c`, { redirect: 'manual' });
    expect([moved.status, moved.headers.get('location')]).toEqual([308, 'https://127.0.0.1/a?b=c']);
    expect((await fetch(`${plain}/.well-known/acme-challenge/guess`)).status).toBe(404);
  });

  test('an order that is refused says so, and does not stop another host', async () => {
    await stage.pebble.start();
    await stage.startBroker({ hosts: [BLOCKED, HOST] });
    await until(() => stage.issued().length > 0 && stage.refused(BLOCKED).length > 1, 20_000);
    expect(stage.refused(BLOCKED)[0]?.reason).toMatch(
      new RegExp(`^the order for ${BLOCKED} was refused: .*(blocked|policy)`, 'i'),
    );
    expect(stage.refused(BLOCKED)[1]).toMatchObject({ failures: 2 });
    await stage.shown(await stage.pebble.root());
  });

  test('a name that does not lead here is not proved, and the reason of the authority is told', async () => {
    const elsewhere = await stage.preparePebbleElsewhere();
    try {
      await elsewhere.start();
      await stage.startBroker({ hosts: [NOT_HERE], directory: elsewhere.directory });
      await until(() => stage.refused(NOT_HERE).length > 0, 20_000);
      expect(stage.refused(NOT_HERE)[0]?.reason).toMatch(
        new RegExp(`^${NOT_HERE} was not proved by tls-alpn-01: .*(refused|Failed to connect)`),
      );
    } finally {
      await elsewhere.stop();
    }
  });

  test('an authority that is away is asked again later and later, the old certificate serves on, then a new one', async () => {
    await stage.pebble.start(SHORT);
    await stage.startBroker();
    await until(() => stage.issued().length > 0, 20_000);
    const root = await stage.pebble.root();
    const { serialNumber } = await stage.shown(root);
    await stage.pebble.stop();
    await until(() => stage.refused().length >= 4, 40_000);
    expect(stage.refused()[0]?.reason).toMatch(/^no account at https:\/\/localhost:\d+\/dir: .*ECONNREFUSED/);
    const waits = stage.refused().map(({ retryInMs }) => retryInMs ?? 0);
    for (const [at, whole] of [400, 800, 1_600, 1_600].entries()) {
      expect(waits[at]).toBeGreaterThanOrEqual(whole / 2);
      expect(waits[at]).toBeLessThanOrEqual(whole);
    }
    // Expired by now perhaps: what counts is that the broker did not let go of it.
    expect((await stage.shown(undefined)).serialNumber).toBe(serialNumber);
    const before = stage.issued().length;
    await stage.pebble.start();
    await until(() => stage.issued().length > before, 20_000);
    await stage.shown(await stage.pebble.root());
  });

  test('certificates in files serve beside those of the authority', async () => {
    await stage.pebble.start();
    const files = await stage.own.write('files', ['files.example.test']);
    await stage.startBroker({}, { tls: [files] });
    expect((await stage.shown(stage.own.ca, 'files.example.test')).subject.CN).toBe('files.example.test');
    await until(() => stage.issued().length > 0, 20_000);
    await stage.shown(await stage.pebble.root());
    expect((await stage.shown(stage.own.ca, 'files.example.test')).subject.CN).toBe('files.example.test');
  });

  test('a broker stops at once while the authority does not answer', async () => {
    await stage.startBroker({ directory: `https://localhost:${await freePort()}/dir` });
    await until(() => stage.refused().length > 0);
    await stage.stopBroker();
    const count = stage.lines.length;
    await stage.pebble.start();
    expect(stage.lines).toHaveLength(count);
  });

  test('wildcards without a program for DNS-01, and hosts that are none, are refused at the start', async () => {
    await expect(stage.startBroker({ hosts: ['*.example.test'] })).rejects.toThrow(
      /wildcard needs DNS-01.*public\.tls/,
    );
    const dns = { program: 'true', timeoutMs: 1_000 };
    for (const host of ['localhost', 'Shop.example.test', 'a.example.test:443', '../../etc/passwd', '*', 'a.*.test'])
      await expect(stage.startBroker({ hosts: [host], dns })).rejects.toThrow(/not a full host name/);
  });

  test('the flags of `adit broker` do it', async () => {
    await stage.pebble.start();
    const program = await stage.startProgram([]);
    try {
      await until(() => program.lines.some((line) => line.includes('issued by ACME')), 30_000);
      expect((await stage.shown(await stage.pebble.root())).subjectaltname).toBe(`DNS:${HOST}`);
    } finally {
      await program.stop();
    }
  });
});
