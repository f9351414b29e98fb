import type { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { acmeLibrary } from './acme-order.ts';
import type { AcmeAuthority } from './acme-order.ts';

/** When the authority would have a certificate renewed (RFC 9773), milliseconds since 1970. */
export interface RenewalWish {
  readonly from: number;
  readonly to: number;
  /** Its name for the authority. */
  readonly certificate: string;
  /** When it is to be asked again. */
  readonly askAgainMs: number;
}

/** RFC 9773 §4.3.3: what an authority says is kept between a minute and a day. */
const ASK_AGAIN = { least: 60_000, usual: 6 * 3_600_000, most: 24 * 3_600_000 };

const directory = z.object({ renewalInfo: z.url().optional() });
const answer = z
  .object({
    suggestedWindow: z.object({ start: z.iso.datetime({ offset: true }), end: z.iso.datetime({ offset: true }) }),
  })
  .transform(({ suggestedWindow: { start, end } }) => ({ from: Date.parse(start), to: Date.parse(end) }))
  .refine(({ from, to }) => from < to, 'a window that ends before it begins');

/** Undefined of an authority that says nothing of renewals. Rejects when it cannot be asked or says nonsense. */
export async function renewalWish(
  authority: AcmeAuthority,
  leaf: X509Certificate,
  signal: AbortSignal,
): Promise<RenewalWish | undefined> {
  const certificate = certificateId(leaf);
  const { axios } = await acmeLibrary(authority);
  const { renewalInfo: url } = directory.parse((await axios.get(authority.directory, { signal })).data);
  if (url === undefined || certificate === undefined) return undefined;
  const { data, headers } = await axios.get(`${url}/${certificate}`, { signal });
  const wait = Number(headers['retry-after']) * 1_000 || ASK_AGAIN.usual;
  return { ...answer.parse(data), certificate, askAgainMs: Math.min(ASK_AGAIN.most, Math.max(ASK_AGAIN.least, wait)) };
}

/**
 * The name of a certificate for its authority (RFC 9773 §4.1): who signed it, and its serial number. Undefined of one that
 * does not tell who signed it.
 */
export function certificateId(leaf: X509Certificate): string | undefined {
  const issuer = authorityKeyIdentifier(leaf.raw);
  if (issuer === undefined) return undefined;
  const serial = Buffer.from(leaf.serialNumber.length % 2 === 0 ? leaf.serialNumber : `0${leaf.serialNumber}`, 'hex');
  // In DER a positive number never begins with a set bit.
  const positive = (serial[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), serial]) : serial;
  return `${issuer.toString('base64url')}.${positive.toString('base64url')}`;
}

/** The object identifier 2.5.29.35 in DER (RFC 5280 §4.2.1.1). */
const AUTHORITY_KEY_IDENTIFIER = Buffer.from('0603551d23', 'hex');

/** `keyIdentifier` of the extension: `OCTET STRING { SEQUENCE { [0] bytes } }`, every length below 128. */
function authorityKeyIdentifier(der: Buffer): Buffer | undefined {
  const at = der.indexOf(AUTHORITY_KEY_IDENTIFIER);
  if (at < 0) return undefined;
  const [octets, , sequence, , tag, length = 0] = der.subarray(at + AUTHORITY_KEY_IDENTIFIER.length);
  if (octets !== 0x04 || sequence !== 0x30 || tag !== 0x80 || length > 127) return undefined;
  const from = at + AUTHORITY_KEY_IDENTIFIER.length + 6;
  return der.subarray(from, from + length);
}
