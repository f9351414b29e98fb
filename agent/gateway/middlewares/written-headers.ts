import type { MiddlewareConfig } from '../../../shared/gateway/middleware.ts';
import type { HeaderPair } from '../../../shared/http1/header-list.ts';

/** What a middleware writes into heads just as it is configured: checked before it serves. */
export function writtenHeaders(config: MiddlewareConfig): HeaderPair[] {
  switch (config.kind) {
    case 'strip-prefix':
      return config.prefixes.map((prefix) => ['X-Forwarded-Prefix', prefix.trim()]);
    case 'headers': {
      const { request, response, cors, secure } = config;
      const lists =
        cors === undefined ? [] : [cors.allowOrigins, cors.allowMethods, cors.allowHeaders, cors.exposeHeaders];
      return [
        ...Object.entries(request),
        ...Object.entries(response),
        ...Object.entries(secure?.always ?? {}),
        ...Object.entries(secure?.overTls ?? {}),
        ...lists.map((list): HeaderPair => ['Access-Control', list.join(',')]),
      ];
    }
    case 'basic-auth':
    case 'digest-auth':
      return [
        ['WWW-Authenticate', config.realm],
        [config.headerField || 'X-User', ''],
      ];
    case 'request-header-modifier':
    case 'response-header-modifier':
      return [...Object.entries(config.set), ...Object.entries(config.add)];
    case 'url-rewrite':
      return [['Host', config.hostname ?? '']];
    case 'redirect-scheme':
      return [['Location', `${config.scheme}://${config.port}`]];
    case 'request-redirect':
      return [['Location', `${config.scheme ?? ''}://${config.hostname ?? ''}:${config.port ?? ''}`]];
    default:
      return [];
  }
}
