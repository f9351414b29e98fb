import { claimText, namedClaim, type Claims } from '../../../shared/gateway/claim-path.ts';
import { FIELD_VALUE, textIn } from '../../../shared/http1/octets.ts';
import { canonicalName } from '../middlewares/header-name.ts';
import type { OutgoingRequest } from '../middlewares/outgoing-request.ts';

/**
 * Tells the upstream what the credential says. What the visitor sent under these names goes, also where the claim is not
 * there. Returns the name of a header that cannot carry its claim.
 */
export function forwardClaims(
  request: OutgoingRequest,
  forwardHeaders: Readonly<Record<string, string>>,
  claims: Claims,
): string | undefined {
  const wanted = Object.entries(forwardHeaders);
  for (const [name] of wanted) request.headers.remove(name);
  for (const [name, claim] of wanted) {
    const value = headerText(namedClaim(claims, claim));
    if (value === undefined) continue;
    const bytes = Buffer.from(value, 'utf8').toString('latin1');
    if (!textIn(FIELD_VALUE, bytes)) return name;
    request.headers.append(canonicalName(name), bytes);
  }
  return undefined;
}

function headerText(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  const plain = claimText(value);
  if (plain !== undefined) return plain;
  if (!Array.isArray(value)) return JSON.stringify(value);
  const parts = value.map(claimText);
  return parts.includes(undefined) ? JSON.stringify(value) : parts.join(',');
}
