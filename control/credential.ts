import { createHash, timingSafeEqual } from 'node:crypto';

/** Secrets here are random and long, so a plain hash is enough; a slow one would only help whoever floods us. */
export function hashCredential(credential: string): Buffer {
  return createHash('sha256').update(credential, 'utf8').digest();
}

/** Compares with every hash, always, so that time says nothing about which one was near. No hash: nobody enters. */
export function matchesAny(credential: string, hashes: readonly Uint8Array[]): boolean {
  const given = hashCredential(credential);
  let found = false;
  for (const hash of hashes) {
    if (hash.length === given.length && timingSafeEqual(hash, given)) found = true;
  }
  return found;
}

/** The token of `Authorization: Bearer TOKEN` (RFC 6750 §2.1), or undefined when there is none of that form. */
export function bearerOf(authorization: string | undefined): string | undefined {
  if (authorization === undefined || authorization.length > 1024) return undefined;
  return /^Bearer +([A-Za-z0-9\-._~+/]+=*)$/i.exec(authorization)?.[1];
}
