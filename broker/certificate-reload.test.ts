import { rename, rm, writeFile } from 'node:fs/promises';
import { pino } from 'pino';
import { connect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Broker } from './index.ts';
import { startTunnelBroker, until } from './testing/test-broker.ts';
import { makeCertificates } from './testing/test-certificates.ts';
import type { TestCertificates } from './testing/test-certificates.ts';
import { makeKeys } from './testing/test-keys.ts';
import type { TestKeys } from './testing/test-keys.ts';

const HOST = 'shop.test';
const OTHER = 'other.test';
const DAY_MS = 86_400_000;

interface Line {
  readonly msg: string;
  readonly certificate?: string;
  readonly reason?: string;
}

let keys: TestKeys;
let certificates: TestCertificates;
let files: { cert: string; key: string };
let others: { cert: string; key: string };
let broker: Broker;
let lines: Line[];

beforeEach(async () => {
  keys = await makeKeys();
  certificates = await makeCertificates();
  files = await certificates.write('shop', [HOST]);
  others = await certificates.write('other', [OTHER]);
  lines = [];
  const log = pino({ level: 'info' }, { write: (text: string) => void lines.push(JSON.parse(text) as Line) });
  broker = await startTunnelBroker(keys, { public: { host: '127.0.0.1', port: 0, tls: [files, others] }, log });
});
afterEach(async () => {
  await broker.close();
  await Promise.all([keys.remove(), certificates.remove()]);
});

/** The serial number of the certificate that a visitor of `name` is shown. */
function shown(name = HOST): Promise<string> {
  return new Promise((resolve, reject) => {
    const port = Number(broker.addresses.public.split(':')[1]);
    const socket = connect({ host: '127.0.0.1', port, ca: certificates.ca, servername: name });
    socket.once('secureConnect', () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

async function replace(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

const refusals = (): Line[] => lines.filter(({ msg }) => msg.includes('cannot be used'));

const BROKEN: Record<string, { readonly make: () => Promise<void>; readonly reason: () => RegExp }> = {
  'a key of another certificate': {
    make: async () => replace(files.key, (await certificates.issue([HOST])).key),
    reason: () => new RegExp(`^${files.key}: not the key of the certificate in ${files.cert}$`),
  },
  'a certificate written by half': {
    make: async () => {
      const { cert } = await certificates.issue([HOST]);
      await replace(files.cert, cert.slice(0, cert.length / 2));
    },
    reason: () => new RegExp(`^${files.cert}: no whole certificate in PEM: `),
  },
  'a key written by half': {
    make: async () => {
      const { key } = await certificates.issue([HOST]);
      await replace(files.key, key.slice(0, key.length / 2));
    },
    reason: () => new RegExp(`^${files.key}: no whole private key in PEM: `),
  },
  'an empty file': {
    make: () => replace(files.cert, ''),
    reason: () => new RegExp(`^${files.cert}: no whole certificate in PEM: `),
  },
  'a file that is gone': {
    make: () => rm(files.cert),
    reason: () => new RegExp(`^${files.cert}: ENOENT`),
  },
  'an expired certificate': {
    make: async () => {
      const past = { notBefore: new Date(Date.now() - 2 * DAY_MS), notAfter: new Date(Date.now() - DAY_MS) };
      const { cert, key } = await certificates.issue([HOST], past);
      await Promise.all([replace(files.cert, cert), replace(files.key, key)]);
    },
    reason: () => new RegExp(`^${files.cert}: expired on `),
  },
};

describe('a new pair that cannot be used leaves the old one, says why, and a good one is taken then:', () => {
  test.each(Object.keys(BROKEN))('%s', async (name) => {
    const before = await shown();
    const broken = BROKEN[name];
    await broken?.make();
    const pattern = broken?.reason() ?? /never/;
    await until(() => refusals().some(({ reason }) => pattern.test(reason ?? '')));
    expect(refusals().every(({ certificate }) => certificate === files.cert)).toBe(true);
    expect(await shown()).toBe(before);
    await certificates.write('shop', [HOST]);
    await until(async () => (await shown()) !== before);
  });

  test('it is said once, and the pairs beside it are still read again', async () => {
    await replace(files.cert, 'nothing');
    await until(() => refusals().length > 0);
    const before = await shown(OTHER);
    await certificates.write('other', [OTHER]);
    await until(async () => (await shown(OTHER)) !== before);
    expect(refusals()).toHaveLength(1);
    expect(await shown()).toMatch(/^[0-9A-F]+$/);
  });
});

test('a broker does not start with a pair that cannot be used, and names the file', async () => {
  await replace(files.key, 'nothing');
  const start = startTunnelBroker(keys, { public: { host: '127.0.0.1', port: 0, tls: [files] } });
  await expect(start).rejects.toThrow(`${files.key}: no whole private key in PEM`);
});
