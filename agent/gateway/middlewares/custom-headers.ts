import type { HeadersConfig } from '../../../shared/gateway/middleware.ts';
import type { HeaderPair } from '../../../shared/http1/header-list.ts';
import { Cors } from '../cors.ts';
import { emptyAnswer } from '../own-answer.ts';
import type { HeadStep } from './head-step.ts';
import { canonicalName } from './header-name.ts';

/** Of one connection, or made anew for what is sent: whoever sets them, Traefik's client does not send them so. */
export const NOT_SENT: ReadonlySet<string> = new Set([
  'Connection',
  'Keep-Alive',
  'Proxy-Authenticate',
  'Proxy-Authorization',
  'Proxy-Connection',
  'Te',
  'Trailer',
  'Transfer-Encoding',
  'Upgrade',
  'Content-Length',
]);
/** The framing of an answer is the gateway's. */
export const NOT_ANSWERED: ReadonlySet<string> = new Set(['Content-Length', 'Transfer-Encoding', 'Connection']);

/** The part of Traefik's headers middleware that sets headers and does CORS. */
export function customHeaders(config: HeadersConfig): HeadStep {
  const cors = config.cors === undefined ? undefined : new Cors(config.cors);
  const toUpstream = pairsOf(config.request, NOT_SENT);
  const toVisitor = pairsOf(config.response, NOT_ANSWERED);
  return {
    varies: cors !== undefined,
    request(request) {
      const preflight = cors?.preflight(request);
      if (preflight !== undefined) return emptyAnswer(200, preflight);
      for (const [name, value] of toUpstream) {
        if (name === 'Host') {
          if (value !== '') request.host = value;
        } else if (value === '') request.headers.remove(name);
        else if (name === 'X-Forwarded-For') request.headers.set(name, `${value}, ${request.clientIp}`);
        else request.headers.set(name, value);
      }
      return undefined;
    },
    response(headers, request) {
      for (const [name, value] of toVisitor) {
        if (value === '') headers.remove(name);
        else headers.set(name, value);
      }
      cors?.apply(headers, request);
    },
  };
}

function pairsOf(map: Readonly<Record<string, string>>, without: ReadonlySet<string>): readonly HeaderPair[] {
  return Object.entries(map)
    .map(([name, value]): HeaderPair => [canonicalName(name), value])
    .filter(([name]) => !without.has(name));
}
