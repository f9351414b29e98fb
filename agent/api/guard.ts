import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { AgentError } from '../errors.ts';

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;

/**
 * Who may call the local API: a process that knows the token. Pages in a browser may not, whatever name they reached the
 * listener by (DNS rebinding). Compares digests, so that neither time nor length tells of the token.
 */
export function apiGuard(token: string): (headers: IncomingHttpHeaders) => AgentError | undefined {
  const expected = digest(token);
  return (headers) => {
    if (!LOOPBACK.test(headers.host ?? ''))
      return new AgentError('api-host', `The Host ${JSON.stringify(headers.host ?? '')} is refused.`);
    if (headers.origin !== undefined)
      return new AgentError('api-origin', `The Origin ${JSON.stringify(headers.origin)} is refused.`);
    const [, given] = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '') ?? [];
    if (given === undefined || !timingSafeEqual(digest(given), expected)) {
      return new AgentError(
        'api-unauthorized',
        given === undefined ? 'There is no bearer token.' : 'The bearer token is wrong.',
      );
    }
    return undefined;
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
