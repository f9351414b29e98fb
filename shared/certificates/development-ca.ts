import 'reflect-metadata'; // @peculiar/x509 resolves its parts with tsyringe, which needs it
import { AsnConvert } from '@peculiar/asn1-schema';
import {
  GeneralName,
  GeneralSubtree,
  GeneralSubtrees,
  id_ce_nameConstraints,
  NameConstraints,
} from '@peculiar/asn1-x509';
import * as x509 from '@peculiar/x509';
import { createPrivateKey, createPublicKey, webcrypto, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/** PEM texts. */
export interface IssuedCertificate {
  readonly cert: string;
  readonly key: string;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;
/** For clocks that are behind. */
const BACKDATED_MS = DAY_MS;
const CA_LIFE_MS = 3_650 * DAY_MS;
const NAME = 'Adit development CA';
/** RFC 6761 §6.2 and §6.3: names that nobody on the internet can own. */
const DOMAINS = ['localhost', 'test'] as const;
const LOOPBACK = ['127.0.0.0/8', '::1/128'] as const;
/** RFC 5280, appendix A. */
const MAX_COMMON_NAME = 64;
const HOST = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*(localhost|test)$/;

/**
 * A certificate authority for one machine. What it signs is believed for `localhost`, `*.localhost`, `*.test` and loopback
 * addresses, and for nothing else (RFC 5280 §4.2.1.10): whoever trusts it, and loses its key, loses no other site.
 */
export class DevelopmentCa {
  /** PEM; what visitors are told to trust. */
  readonly cert: string;
  readonly #certificate: x509.X509Certificate;
  readonly #signingKey: webcrypto.CryptoKey;

  private constructor(certificate: x509.X509Certificate, signingKey: webcrypto.CryptoKey) {
    this.#certificate = certificate;
    this.#signingKey = signingKey;
    this.cert = pem(certificate);
  }

  /** A key for `certify`, as PEM (PKCS #8). */
  static async makeKey(): Promise<string> {
    return exportKey((await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])).privateKey);
  }

  /** PEM of a certificate of the authority whose key this is, from now on. Throws for another kind of key. */
  static async certify(key: string, lifeMs = CA_LIFE_MS): Promise<string> {
    useNodeCrypto();
    const keys = await importKeys(key);
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: randomSerial(),
      name: [{ O: [NAME] }, { CN: [NAME] }],
      notBefore: new Date(Date.now() - BACKDATED_MS),
      notAfter: new Date(Date.now() + lifeMs),
      signingAlgorithm: ALGORITHM,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
        nameConstraints(),
      ],
    });
    return pem(certificate);
  }

  /** PEM texts. Throws when the key is not that of the certificate. */
  static async from(cert: string, key: string): Promise<DevelopmentCa> {
    useNodeCrypto();
    const read = new X509Certificate(cert);
    if (!read.checkPrivateKey(createPrivateKey(key))) throw new Error('the key is not that of the certificate');
    if (!read.ca) throw new Error('the certificate is not that of an authority');
    return new DevelopmentCa(new x509.X509Certificate(read.raw), (await importKeys(key)).privateKey);
  }

  /** One whose key is never written anywhere. */
  static async make(): Promise<DevelopmentCa> {
    const key = await DevelopmentCa.makeKey();
    return DevelopmentCa.from(await DevelopmentCa.certify(key), key);
  }

  /** True for the names that visitors believe from it. `name`: lower case, without a dot at its end. */
  static mayIssue(name: string): boolean {
    return HOST.test(name);
  }

  get from(): Date {
    return this.#certificate.notBefore;
  }

  get until(): Date {
    return this.#certificate.notAfter;
  }

  /** SHA-256 in the notation of browsers and OpenSSL, `AB:CD:…`. */
  get fingerprint(): string {
    return new X509Certificate(this.cert).fingerprint256;
  }

  /** A server certificate for a name or an address, with the key of `holder`, for `lifeMs` from now. */
  async issue(names: readonly string[], holder: LeafKey, lifeMs: number): Promise<IssuedCertificate> {
    const leaf = await x509.X509CertificateGenerator.create({
      serialNumber: randomSerial(),
      subject: [{ O: ['Adit development certificate'] }, ...commonName(names)],
      issuer: this.#certificate.subjectName,
      notBefore: new Date(Date.now() - BACKDATED_MS),
      notAfter: new Date(Math.min(Date.now() + lifeMs, this.until.getTime())),
      signingAlgorithm: ALGORITHM,
      publicKey: holder.publicKey,
      signingKey: this.#signingKey,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension(names.map(generalName)),
        await x509.AuthorityKeyIdentifierExtension.create(this.#certificate),
      ],
    });
    return { cert: pem(leaf), key: holder.pem };
  }
}

/** The key of a server; one for all its names. */
export interface LeafKey {
  readonly publicKey: webcrypto.CryptoKey;
  readonly pem: string;
}

export async function makeLeafKey(): Promise<LeafKey> {
  const { publicKey, privateKey } = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  return { publicKey, pem: await exportKey(privateKey) };
}

/** For people who look at it. Without a name in the SAN, OpenSSL takes this for one, and an address for a wrong one. */
function commonName(names: readonly string[]): { CN: string[] }[] {
  const [first = ''] = names;
  return first.length > MAX_COMMON_NAME || generalName(first).type === 'ip' ? [] : [{ CN: [first] }];
}

function generalName(value: string): { type: 'ip' | 'dns'; value: string } {
  return { type: /^[0-9.]+$|:/.test(value) ? 'ip' : 'dns', value };
}

function nameConstraints(): x509.Extension {
  const permitted = [
    ...DOMAINS.map((dNSName) => new GeneralName({ dNSName })),
    ...LOOPBACK.map((iPAddress) => new GeneralName({ iPAddress })),
  ];
  const value = new NameConstraints({
    permittedSubtrees: new GeneralSubtrees(permitted.map((base) => new GeneralSubtree({ base }))),
  });
  return new x509.Extension(id_ce_nameConstraints, true, AsnConvert.serialize(value));
}

function useNodeCrypto(): void {
  x509.cryptoProvider.set(webcrypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0]);
}

async function importKeys(key: string): Promise<webcrypto.CryptoKeyPair> {
  const own = createPrivateKey(key);
  if (own.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw new Error('not a key of the curve P-256');
  const imported = async (part: KeyObject, uses: readonly webcrypto.KeyUsage[]): Promise<webcrypto.CryptoKey> => {
    const jwk = part.export({ format: 'jwk' }) as webcrypto.JsonWebKey;
    return webcrypto.subtle.importKey('jwk', jwk, ALGORITHM, true, [...uses]);
  };
  const [privateKey, publicKey] = await Promise.all([
    imported(own, ['sign']),
    imported(createPublicKey(own), ['verify']),
  ]);
  return { privateKey, publicKey };
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64');
  return `-----BEGIN PRIVATE KEY-----\n${(pkcs8.match(/.{1,64}/g) ?? []).join('\n')}\n-----END PRIVATE KEY-----\n`;
}

function pem(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem').trim()}\n`;
}

function randomSerial(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  // RFC 5280 §4.1.2.2: positive.
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  return Buffer.from(bytes).toString('hex');
}
