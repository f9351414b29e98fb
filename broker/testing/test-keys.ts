import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { TUNNEL_AUDIENCE } from '../../shared/tunnel/protocol.ts';

export const ISSUER = 'adit';

/** A signing key of a control plane, its JWKS in a file, and tokens by it. */
export async function makeKeys(kid = 'one') {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
  const dir = await mkdtemp(join(tmpdir(), 'adit-broker-'));
  const jwksFile = join(dir, 'jwks.json');
  const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid, alg: 'EdDSA', use: 'sig' }] });
  await writeFile(jwksFile, jwks);
  let serial = 0;
  return {
    jwksFile,
    jwks,
    token(
      agent: string,
      hosts: readonly string[],
      changes: { seconds?: number; audience?: string; issuer?: string } = {},
    ): Promise<string> {
      serial += 1;
      const now = Math.floor(Date.now() / 1000);
      return new SignJWT({ hosts: [...hosts] })
        .setProtectedHeader({ alg: 'EdDSA', kid })
        .setIssuer(changes.issuer ?? ISSUER)
        .setAudience(changes.audience ?? TUNNEL_AUDIENCE)
        .setSubject(agent)
        .setIssuedAt(now)
        .setExpirationTime(now + (changes.seconds ?? 600))
        .setJti(String(serial))
        .sign(privateKey);
    },
    remove: () => rm(dir, { recursive: true, force: true }),
  };
}

export type TestKeys = Awaited<ReturnType<typeof makeKeys>>;
