import { createSecureContext, getCACertificates } from 'node:tls';
import type { SecureContext } from 'node:tls';

let last: { readonly ca: string; readonly secureContext: SecureContext } | undefined;

/**
 * For `tls.connect`: trusts certificates of `ca` (PEM) besides the public ones; where it is undefined just the public ones, as Node
 * does by itself. One context for all connections: to make one is to read more than a hundred public certificates.
 */
export function trustOf(ca: string | undefined): { readonly secureContext?: SecureContext } {
  if (ca === undefined) return {};
  if (last?.ca !== ca) last = { ca, secureContext: createSecureContext({ ca: [...getCACertificates('default'), ca] }) };
  return { secureContext: last.secureContext };
}
