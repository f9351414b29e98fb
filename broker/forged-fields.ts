import { INTERNAL_HEADER_PREFIX } from '../shared/tunnel/protocol.ts';

/**
 * Fields that brokers set or believe, by their name in lower case: what a visitor says about his own way here is dropped and set
 * anew. As trailers they could be taken for ours by whoever merges both, and programs behind CGI and WSGI cannot tell
 * `X_Forwarded_For` from ours.
 */
export function isForged(name: string): boolean {
  const lowerName = name.includes('_') ? name.replaceAll('_', '-') : name;
  return (
    (lowerName.startsWith('x-') &&
      (lowerName.startsWith('x-forwarded-') ||
        lowerName.startsWith(INTERNAL_HEADER_PREFIX) ||
        lowerName === 'x-real-ip')) ||
    lowerName === 'forwarded'
  );
}
