import { DevelopmentCa, makeLeafKey } from '../../shared/certificates/development-ca.ts';

export interface DevelopmentCertificates {
  /** PEM; what clients are told to trust besides the system's roots. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

const NAMES = ['localhost', '127.0.0.1', '::1'] as const;
const LIFE_MS = 90 * 86_400_000;

/**
 * A certificate authority that lives as long as this process and one server certificate for 127.0.0.1, ::1 and
 * localhost: the local tunnels are TLS like the public ones. The authority's key is never written anywhere.
 */
export async function developmentCertificates(): Promise<DevelopmentCertificates> {
  const ca = await DevelopmentCa.make();
  return { ca: ca.cert, ...(await ca.issue(NAMES, await makeLeafKey(), LIFE_MS)) };
}
