import fc from 'fast-check';
import { once } from 'node:events';
import { connect, createServer } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { DevelopmentCa, makeLeafKey } from './development-ca.ts';

const DAY_MS = 86_400_000;

/** What OpenSSL says to a visitor who trusts `ca` and is shown a certificate for `names` when asking for `asked`. */
async function visit(ca: DevelopmentCa, names: readonly string[], asked: string): Promise<string> {
  const server = createServer(await ca.issue(names, await makeLeafKey(), DAY_MS));
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const isAddress = /^[0-9.]+$|:/.test(asked);
  const client = connect({
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    ca: ca.cert,
    ...(isAddress ? { servername: '', checkServerIdentity: () => undefined } : { servername: asked }),
  });
  try {
    await once(client, 'secureConnect');
    return 'believed';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    client.destroy();
    server.close();
  }
}

test('what it signs is believed for names of localhost and test and for loopback addresses', async () => {
  const ca = await DevelopmentCa.make();
  const long = `${'a'.repeat(63)}.${'b'.repeat(63)}.test`;
  for (const name of [
    'localhost',
    'shop-1a2b.localhost',
    'a.b.test',
    'xn--bcher-kva.test',
    long,
    '127.0.0.1',
    '127.9.9.9',
    '::1',
  ])
    expect([name, await visit(ca, [name], name)]).toEqual([name, 'believed']);
});

test('what it signs for anything else is not, whoever has its key', async () => {
  const ca = await DevelopmentCa.make();
  for (const name of ['bank.example', 'localhost.example', 'notlocalhost', 'contest', '10.0.0.1', '128.0.0.1', '::2'])
    expect([name, await visit(ca, [name], name)]).toEqual([name, 'permitted subtree violation']);
  expect(await visit(ca, ['shop.localhost', 'bank.example'], 'shop.localhost')).toBe('permitted subtree violation');
});

test('a certificate lasts as long as told, and no longer than the authority', async () => {
  const key = await DevelopmentCa.makeKey();
  const ca = await DevelopmentCa.from(await DevelopmentCa.certify(key, 10 * DAY_MS), key);
  const { X509Certificate } = await import('node:crypto');
  const leafKey = await makeLeafKey();
  const until = async (lifeMs: number): Promise<number> =>
    new X509Certificate((await ca.issue(['a.test'], leafKey, lifeMs)).cert).validToDate.getTime() - Date.now();
  expect(await until(DAY_MS)).toBeCloseTo(DAY_MS, -5);
  expect(await until(20 * DAY_MS)).toBeCloseTo(10 * DAY_MS, -5);
});

test('no two certificates have the same number', async () => {
  const ca = await DevelopmentCa.make();
  const { X509Certificate } = await import('node:crypto');
  const key = await makeLeafKey();
  const serials = await Promise.all(
    Array.from(
      { length: 20 },
      async () => new X509Certificate((await ca.issue(['a.test'], key, DAY_MS)).cert).serialNumber,
    ),
  );
  expect(new Set(serials).size).toBe(20);
});

test('another authority, another kind of key and a server certificate are refused', async () => {
  const [one, other] = [await DevelopmentCa.makeKey(), await DevelopmentCa.makeKey()];
  await expect(DevelopmentCa.from(await DevelopmentCa.certify(one), other)).rejects.toThrow(
    'not that of the certificate',
  );
  const { generateKeyPairSync } = await import('node:crypto');
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'pem', type: 'pkcs8' });
  await expect(DevelopmentCa.certify(String(rsa))).rejects.toThrow('P-256');
  const leaf = await (await DevelopmentCa.make()).issue(['a.test'], await makeLeafKey(), DAY_MS);
  await expect(DevelopmentCa.from(leaf.cert, leaf.key)).rejects.toThrow('not that of an authority');
});

test('names are host names of localhost or test, and nothing else', () => {
  const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
  fc.assert(
    fc.property(fc.array(label, { maxLength: 3 }), fc.constantFrom('localhost', 'test'), (labels, domain) => {
      const name = [...labels, domain].join('.');
      expect(DevelopmentCa.mayIssue(name)).toBe(name.length <= 253);
    }),
  );
  for (const name of [
    '',
    '.',
    '.test',
    'a..test',
    '-a.test',
    'a-.test',
    '*.test',
    'a_b.test',
    'a.test.',
    'A.test',
    'a b.test',
    'test.example',
    'a.test\n',
    'ü.test',
    '127.0.0.1',
    `${'a'.repeat(64)}.test`,
  ])
    // prettier-ignore
    expect([name, DevelopmentCa.mayIssue(name)]).toEqual([name, false]);
});
