import 'reflect-metadata'; // @peculiar/x509 resolves its parts with tsyringe, which needs it
import * as x509 from '@peculiar/x509';
import { webcrypto } from 'node:crypto';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const HOUR_MS = 3_600_000;

/** A certificate authority of one test run with certificates in files. */
export async function makeCertificates() {
  x509.cryptoProvider.set(webcrypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0]);
  const directory = await mkdtemp(join(tmpdir(), 'adit-tls-'));
  const dates = { notBefore: new Date(Date.now() - HOUR_MS), notAfter: new Date(Date.now() + 24 * HOUR_MS) };
  const authorityKeys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: 'CN=Test authority',
    ...dates,
    signingAlgorithm: ALGORITHM,
    keys: authorityKeys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  });
  let serial = 16;
  const issue = async (names: readonly string[], validity = dates): Promise<{ cert: string; key: string }> => {
    serial += 1;
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
    const leaf = await x509.X509CertificateGenerator.create({
      serialNumber: serial.toString(16),
      subject: `CN=${names[0] ?? 'none'}`,
      issuer: authority.subject,
      ...validity,
      signingAlgorithm: ALGORITHM,
      publicKey: keys.publicKey,
      signingKey: authorityKeys.privateKey,
      extensions: [
        new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns' as const, value }))),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth], true),
      ],
    });
    const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
    return {
      cert: `${leaf.toString('pem')}\n`,
      key: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`,
    };
  };
  return {
    ca: authority.toString('pem'),
    directory,
    /** PEM texts; `validity` is the last day or so unless told otherwise. */
    issue,
    /** Issues for these names and puts it in the files of `name`, each at once. */
    async write(name: string, names: readonly string[]): Promise<{ cert: string; key: string }> {
      const files = { cert: join(directory, `${name}.pem`), key: join(directory, `${name}-key.pem`) };
      const made = await issue(names);
      for (const part of ['cert', 'key'] as const) {
        await writeFile(`${files[part]}.new`, made[part], { mode: 0o600 });
        await rename(`${files[part]}.new`, files[part]);
      }
      return files;
    },
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

export type TestCertificates = Awaited<ReturnType<typeof makeCertificates>>;
