import type { CorsConfig } from '../../shared/gateway/config.ts';
import type { HeaderList, HeaderPair } from '../../shared/http1/header-list.ts';
import { compilePattern } from './compile-matcher.ts';

/** What CORS looks at; `header` takes lower case. */
interface Asking {
  readonly method: string;
  header(name: string): string | undefined;
}

/**
 * The CORS part of Traefik's headers middleware: a preflight is answered 200 before anything else, whether or not the
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
  preflight(request: Asking): readonly HeaderPair[] | undefined {
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

  /** The headers of any other answer. */
  apply(headers: HeaderList, request: Asking): void {
    const { allowCredentials, exposeHeaders, addVaryHeader } = this.#config;
    const allowed = this.#allowedOrigin(request.header('origin') ?? '');
    if (allowed !== undefined) headers.set('Access-Control-Allow-Origin', allowed);
    if (allowCredentials) headers.set('Access-Control-Allow-Credentials', 'true');
    if (exposeHeaders.length > 0) headers.set('Access-Control-Expose-Headers', exposeHeaders.join(','));
    if (!addVaryHeader) return;
    // Traefik looks at the first line only, and writes one in place of all.
    const vary = headers.get('vary') ?? '';
    if (vary !== 'Origin') headers.set('Vary', vary === '' ? 'Origin' : `${vary},Origin`);
  }

  #allowedOrigin(origin: string): string | undefined {
    const listed = this.#config.allowOrigins.find((item) => item === '*' || item === origin);
    if (listed !== undefined) return listed;
    return this.#patterns.some((test) => test(origin)) ? origin : undefined;
  }
}
