import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { BrokerOptionsError } from './errors.ts';

/** PEM texts: the chain with the server's own certificate first, and its key. */
export interface CertificatePair {
  readonly cert: string;
  readonly key: string;
  /** Where each came from, for messages. */
  readonly from: { readonly cert: string; readonly key: string };
}

/** The server's own certificate. Throws `BrokerOptionsError`, which says of which file what is wrong. */
export function leafOf(pair: CertificatePair): X509Certificate {
  const leaf = read(pair.from.cert, 'certificate', () => new X509Certificate(pair.cert));
  const key = read<KeyObject>(pair.from.key, 'private key', () => createPrivateKey(pair.key));
  if (!leaf.checkPrivateKey(key))
    throw new BrokerOptionsError(`${pair.from.key}: not the key of the certificate in ${pair.from.cert}`);
  return leaf;
}

/** True when visitors no longer believe it. `now`: milliseconds since 1970. */
export function isExpired(leaf: X509Certificate, now: number): boolean {
  return leaf.validToDate.getTime() <= now;
}

function read<T>(from: string, what: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new BrokerOptionsError(`${from}: no whole ${what} in PEM: ${reason}`);
  }
}
