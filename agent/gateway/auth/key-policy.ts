import { createHash, timingSafeEqual } from 'node:crypto';
import type { ApiKeyPolicyConfig } from '../../../shared/gateway/auth.ts';
import { presentedCredential } from '../api-keys.ts';
import { problemAnswer } from '../own-answer.ts';
import { noteCaller } from './caller-note.ts';
import { forwardClaims } from './forward-claims.ts';
import { PASSED, type Judge } from './guard.ts';

const DIGEST_BYTES = 64;

/** Keys known by their SHAKE-256 digests. Every digest is compared, each in constant time. */
export function keyPolicy(config: ApiKeyPolicyConfig): Judge {
  const { from, forwardHeaders } = config;
  const keys = config.keys.map(({ id, shake256, metadata }) => ({
    id,
    digest: Buffer.from(shake256, 'hex'),
    metadata,
  }));
  const source = { ...from, header: from.header?.toLowerCase() };
  const policy = `policy ${config.source.name}`;
  return (request, view) => {
    const key = presentedCredential(source, view);
    if (key === undefined) return problemAnswer('unauthorized', `The request under ${policy} carries no key.`);
    const digest = createHash('shake256', { outputLength: DIGEST_BYTES }).update(key).digest();
    let found: (typeof keys)[number] | undefined;
    for (const known of keys) if (timingSafeEqual(known.digest, digest)) found ??= known;
    if (found === undefined) return problemAnswer('unauthorized', `The key under ${policy} is not known.`);
    noteCaller(request, { user: found.id });
    const unfit = forwardClaims(request, forwardHeaders, found.metadata);
    return unfit === undefined
      ? PASSED
      : problemAnswer('claim-unfit', `The metadata for header ${unfit} has characters that no header can carry.`);
  };
}
