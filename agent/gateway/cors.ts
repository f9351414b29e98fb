import type { CorsConfig } from '../../shared/gateway/config.ts';
import { compilePattern } from './compile-matcher.ts';
import type { HeaderPair } from './policy.ts';
import type { RequestView } from './request-view.ts';

/** What CORS changes in a response; written so that any header container can apply it. */
export interface CorsEffect {
  readonly set: readonly HeaderPair[];
  readonly varyOrigin: boolean;
}

/**
 * The CORS part of Traefik's headers middleware: a preflight is answered 200 before authentication, whether or not the
 * origin is allowed (then without `Access-Control-Allow-Origin`); every other response gets its headers afterwards.
 */
export class Cors {
  #config: CorsConfig;
  #patterns: readonly ((origin: string) => boolean)[];

  constructor(config: CorsConfig) {
    this.#config = config;
    this.#patterns = config.allowOriginPatterns.map(compilePattern);
  }

  /** The headers of the answer to a preflight; undefined when the request is none. */
  preflight(request: RequestView): readonly HeaderPair[] | undefined {
    if (request.method !== 'OPTIONS') return undefined;
    const origin = request.header('origin') ?? '';
    const wanted = request.header('access-control-request-method') ?? '';
    if (origin === '' || wanted === '') return undefined;
    const { allowCredentials, allowHeaders, allowMethods, maxAgeSeconds } = this.#config;
    const headers: HeaderPair[] = [];
    if (allowCredentials) headers.push(['Access-Control-Allow-Credentials', 'true']);
    if (allowHeaders.length > 0) headers.push(['Access-Control-Allow-Headers', allowHeaders.join(',')]);
    if (allowMethods.length > 0) headers.push(['Access-Control-Allow-Methods', allowMethods.join(',')]);
    const allowed = this.#allowedOrigin(origin);
    if (allowed !== undefined) headers.push(['Access-Control-Allow-Origin', allowed]);
    headers.push(['Access-Control-Max-Age', String(maxAgeSeconds ?? 0)]);
    return headers;
  }

  effect(request: RequestView): CorsEffect {
    const { allowCredentials, exposeHeaders, addVaryHeader } = this.#config;
    const set: HeaderPair[] = [];
    const allowed = this.#allowedOrigin(request.header('origin') ?? '');
    if (allowed !== undefined) set.push(['Access-Control-Allow-Origin', allowed]);
    if (allowCredentials) set.push(['Access-Control-Allow-Credentials', 'true']);
    if (exposeHeaders.length > 0) set.push(['Access-Control-Expose-Headers', exposeHeaders.join(',')]);
    return { set, varyOrigin: addVaryHeader };
  }

  #allowedOrigin(origin: string): string | undefined {
    const listed = this.#config.allowOrigins.find((item) => item === '*' || item === origin);
    if (listed !== undefined) return listed;
    return this.#patterns.some((test) => test(origin)) ? origin : undefined;
  }
}
