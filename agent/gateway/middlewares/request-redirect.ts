import { STATUS_CODES } from 'node:http';
import type { RequestRedirectConfig } from '../../../shared/gateway/filter.ts';
import { plainAnswer } from './plain-answer.ts';
import type { HeadStep } from './head-step.ts';
import { replacedPath } from './new-path.ts';

/** A filter RequestRedirect. Without a scheme the place has none either, so that the visitor stays with his. */
export function requestRedirect(config: RequestRedirectConfig): HeadStep {
  return {
    request(request) {
      const came = splitHost(request.host);
      const name = config.hostname ?? came.name;
      const port = config.port ?? came.port;
      const host = port === '' ? name : `${name.includes(':') ? `[${name}]` : name}:${port}`;
      const path = config.path === undefined ? request.rawPath : replacedPath(request.rawPath, config.path);
      const scheme = config.scheme === undefined ? '' : `${config.scheme}:`;
      const rooted = path === '' || path.startsWith('/') ? path : `/${path}`;
      const location = `${scheme}//${host}${rooted}${request.query}`;
      const { status } = config;
      const answer = plainAnswer(status, '', { headers: [['Location', location]], text: STATUS_CODES[status] ?? '' });
      // A redirect is no refusal.
      return { status, headers: answer.headers, body: answer.body };
    },
  };
}

function splitHost(host: string): { readonly name: string; readonly port: string } {
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d*))?$/.exec(host);
  return match === null ? { name: host, port: '' } : { name: match[1] ?? match[2] ?? '', port: match[3] ?? '' };
}
