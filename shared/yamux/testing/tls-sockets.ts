import 'reflect-metadata'; // @peculiar/x509 resolves its parts with tsyringe, which needs it
import * as x509 from '@peculiar/x509';
import { webcrypto } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const HOUR_MS = 3_600_000;

/** Two sockets with TLS between them, and what ends their listener. */
export async function tlsSockets(): Promise<{ client: TLSSocket; server: TLSSocket; dispose(): Promise<void> }> {
  const { cert, key } = await certificate();
  const accepted = Promise.withResolvers<TLSSocket>();
  const listener = createServer({ cert, key, allowHalfOpen: true }, accepted.resolve).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const client = connect({ host: '127.0.0.1', port: (listener.address() as AddressInfo).port, ca: cert });
  const [server] = await Promise.all([accepted.promise, once(client, 'secureConnect')]);
  return {
    client,
    server,
    dispose: async () => {
      client.destroy();
      server.destroy();
      listener.close();
      await once(listener, 'close');
    },
  };
}

let made: Promise<{ cert: string; key: string }> | undefined;

function certificate(): Promise<{ cert: string; key: string }> {
  return (made ??= makeCertificate());
}

async function makeCertificate(): Promise<{ cert: string; key: string }> {
  x509.cryptoProvider.set(webcrypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0]);
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const own = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: 'CN=localhost',
    notBefore: new Date(Date.now() - HOUR_MS),
    notAfter: new Date(Date.now() + HOUR_MS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }])],
  });
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { cert: own.toString('pem'), key: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY') };
}
