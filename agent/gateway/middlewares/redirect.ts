import { STATUS_CODES } from 'node:http';
import type { RedirectRegexConfig, RedirectSchemeConfig } from '../../../shared/gateway/middleware.ts';
import type { OwnAnswer } from '../own-answer.ts';
import type { HeadStep } from './head-step.ts';
import type { OutgoingRequest } from './outgoing-request.ts';
import { pattern } from './pattern.ts';
import { plainAnswer } from './plain-answer.ts';

/** Scheme, host, port and the rest; what is no host is taken for a path. */
const URI = /^(https?:\/\/)?(\[[\w:.]+\]|[\w._-]+)?(:\d+)?(.*)$/;

/** Leads to another scheme and port, whatever the request; nothing happens where the URL would stay the same. */
export function redirectScheme({ scheme, port, permanent }: RedirectSchemeConfig): HeadStep {
  const usual = (scheme === 'http' && port === '80') || (scheme === 'https' && port === '443');
  const suffix = port === '' || usual ? '' : `:${port}`;
  return {
    request(request) {
      const proto = (request.headers.get('x-forwarded-proto') ?? '').toLowerCase();
      const came =
        proto === 'http' || proto === 'ws'
          ? 'http'
          : proto === 'https' || proto === 'wss'
            ? 'https'
            : request.secure
              ? 'https'
              : 'http';
      const { name, port: camePort } = splitHost(request.host);
      const bare = camePort === '' || camePort === (came === 'http' ? '80' : '443') ? '' : `:${camePort}`;
      const before = `${came}://${name}${bare}${request.uri}`;
      const [, , host = '', , rest = ''] = URI.exec(before) ?? [];
      const after = `${scheme}://${host}${suffix}${rest}`;
      return before === after ? undefined : moved(request, after, permanent);
    },
  };
}

function splitHost(host: string): { name: string; port: string } {
  const match = /^(\[[^\]]*\]|[^:]*):([^:]*)$/.exec(host);
  if (match === null) return { name: host, port: '' };
  const [, name = '', port = ''] = match;
  // As Go splits: the brackets of an address go with the port.
  return { name: name.startsWith('[') ? name.slice(1, -1) : name, port };
}

/** Leads to what a regular expression makes of the URL; a URL that stays the same goes on. */
export function redirectRegex(config: RedirectRegexConfig): HeadStep {
  const compiled = pattern(config.pattern);
  return {
    request(request) {
      const before = `${request.secure ? 'https' : 'http'}://${request.host}${request.uri}`;
      if (!compiled.test(before)) return undefined;
      const after = compiled.replaceAll(before, config.replacement);
      return before === after ? undefined : moved(request, after, config.permanent);
    },
  };
}

function moved(request: OutgoingRequest, location: string, permanent: boolean): OwnAnswer {
  const get = request.method === 'GET';
  const status = permanent ? (get ? 301 : 308) : get ? 302 : 307;
  const url = sentUrl(location);
  if (url === undefined) return plainAnswer(500, `The redirect to ${JSON.stringify(location)} is not a URL.`);
  const answer = plainAnswer(status, '', { headers: [['Location', url]], text: STATUS_CODES[status] ?? '' });
  // A redirect is no refusal.
  return { status, headers: answer.headers, body: answer.body };
}

/** As Go parses a URL and writes it again: bytes that may not stand in a URL are escaped. */
function sentUrl(location: string): string | undefined {
  // oxlint-disable-next-line no-control-regex -- these are what Go refuses
  if (/[\u0000-\u001f\u007f]/.test(location) || /%(?![0-9a-fA-F]{2})/.test(location.split(/[?#]/, 1)[0] ?? ''))
    return undefined;
  const match = /^([a-zA-Z][a-zA-Z0-9+.-]*:)?(\/\/[^/?#]*)?([^?#]*)(.*)$/s.exec(location.toWellFormed());
  if (match === null) return undefined;
  const [, scheme = '', authority = '', path = '', rest = ''] = match;
  const escaped = path.replaceAll(/[^A-Za-z0-9\-._~$&+,/:;=@!'()*[\]%]/gu, (char) => encodeURIComponent(char));
  const plain = (part: string): string => part.replaceAll(/[^!-~]/gu, (char) => encodeURIComponent(char));
  return `${scheme.toLowerCase()}${plain(authority)}${escaped}${plain(rest)}`;
}
