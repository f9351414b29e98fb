import type { DatabaseSync } from 'node:sqlite';

import { SignJWT, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK } from 'jose';
import { z } from 'zod';

import { TUNNEL_AUDIENCE } from '../shared/tunnel/protocol.ts';
import type { TunnelClaims } from '../shared/tunnel/protocol.ts';

import { transaction } from './database.ts';

/** A retired key stays published for longer than any token that it signed lives. */
const PUBLISH_RETIRED_MS = 2 * 3_600_000;

/** An Ed25519 key (RFC 8037 §2). */
export const publicJwk = z.object({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: z.string(),
  kid: z.string(),
  alg: z.literal('EdDSA'),
  use: z.literal('sig'),
});
export type PublicJwk = z.infer<typeof publicJwk>;
const privateJwk = publicJwk.extend({ d: z.string() });
type PrivateJwk = z.infer<typeof privateJwk>;
const keyRow = z.object({ private_jwk: z.string(), created_at: z.number() });

/** The keys that sign tunnel tokens: the newest signs, all that may still matter are published. */
export class SigningKeys {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Makes the first key; does nothing when there is one. */
  async ensure(now: number): Promise<void> {
    if (this.#all().length === 0) await this.rotate(now);
  }

  /** A new key signs from now on; keys that no live token can name any more are removed. */
  async rotate(now: number): Promise<void> {
    const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
    const jwk = await exportJWK(privateKey);
    const key = privateJwk.parse({ ...jwk, kid: await calculateJwkThumbprint(jwk), alg: 'EdDSA', use: 'sig' });
    transaction(this.#database, () => {
      this.#database
        .prepare('INSERT INTO signing_keys (kid, private_jwk, created_at) VALUES (?, ?, ?)')
        .run(key.kid, JSON.stringify(key), now);
      // A key retires when its successor is made: drop those whose successor is old enough.
      const stale = this.#all().filter((_, index, keys) => {
        const successor = keys[index - 1];
        return successor !== undefined && now - successor.createdAt > PUBLISH_RETIRED_MS;
      });
      for (const { key: old } of stale) this.#database.prepare('DELETE FROM signing_keys WHERE kid = ?').run(old.kid);
    });
  }

  /** When the key that signs was made, in milliseconds since the epoch. */
  newestAt(): number | undefined {
    return this.#all()[0]?.createdAt;
  }

  /** The public halves, newest first. */
  published(): PublicJwk[] {
    return this.#all().map(({ key: { d: _private, ...open } }) => open);
  }

  async sign(claims: Omit<TunnelClaims, 'aud'>): Promise<string> {
    const newest = this.#all()[0];
    if (newest === undefined) throw new Error('no signing key: ensure() was not awaited');
    const { iss, sub, iat, exp, jti, hosts } = claims;
    return new SignJWT({ hosts })
      .setProtectedHeader({ alg: 'EdDSA', kid: newest.key.kid, typ: 'JWT' })
      .setIssuer(iss)
      .setAudience(TUNNEL_AUDIENCE)
      .setSubject(sub)
      .setIssuedAt(iat)
      .setExpirationTime(exp)
      .setJti(jti)
      .sign(await importJWK(newest.key, 'EdDSA'));
  }

  #all(): { key: PrivateJwk; createdAt: number }[] {
    return this.#database
      .prepare('SELECT private_jwk, created_at FROM signing_keys ORDER BY created_at DESC, rowid DESC')
      .all()
      .map((row) => keyRow.parse(row))
      .map((row) => ({ key: privateJwk.parse(JSON.parse(row.private_jwk)), createdAt: row.created_at }));
  }
}
