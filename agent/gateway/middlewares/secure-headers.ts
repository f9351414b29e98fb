import { randomBytes } from 'node:crypto';
import type { SecureHeadersConfig } from '../../../shared/gateway/middleware.ts';
import { textAnswer } from '../own-answer.ts';
import type { HeadStep } from './head-step.ts';
import type { OutgoingRequest } from './outgoing-request.ts';

const NONCE = '$NONCE';

/** The part of Traefik's headers middleware that sets security headers and checks hosts. */
export function secureHeaders(config: SecureHeadersConfig): HeadStep {
  const always = Object.entries(config.always);
  const overTls = Object.entries(config.overTls);
  const tlsHeaders = Object.entries(config.tlsHeaders);
  const allowed = new Set(config.allowedHosts.map((host) => host.toLowerCase()));
  const fresh = always.some(([, value]) => value.includes(NONCE));

  const overTlsNow = (request: OutgoingRequest): boolean =>
    request.secure || tlsHeaders.some(([name, value]) => request.headers.get(name) === value);

  return {
    varies: fresh || overTls.length > 0,
    request(request) {
      if (allowed.size === 0) return undefined;
      let { host } = request;
      for (const name of config.hostHeaders) {
        const named = request.headers.get(name) ?? '';
        if (named === '') continue;
        host = named;
        break;
      }
      if (allowed.has(host.toLowerCase())) return undefined;
      return textAnswer(500, 'Bad Host', 'middleware-refused', `The host ${JSON.stringify(host)} is not allowed.`);
    },
    response(headers, request) {
      const nonce = fresh ? `'nonce-${randomBytes(16).toString('base64')}'` : '';
      for (const [name, value] of always) headers.set(name, fresh ? value.replaceAll(NONCE, nonce) : value);
      if (overTls.length === 0 || !overTlsNow(request)) return;
      for (const [name, value] of overTls) headers.set(name, value);
    },
  };
}
