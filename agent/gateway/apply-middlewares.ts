import type { MiddlewareConfig } from '../../shared/gateway/config.ts';
import type { HeaderList } from '../../shared/http1/header-list.ts';
import { resolveSegments } from './request-path.ts';
import { stripPrefix } from './strip-prefix.ts';

/** What goes upstream, while it is being made. */
export interface OutgoingRequest {
  rawPath: string;
  /** Set by a headers middleware that names `Host`. */
  host: string | undefined;
  readonly headers: HeaderList;
}

export function applyToRequest(middlewares: readonly MiddlewareConfig[], request: OutgoingRequest): void {
  for (const middleware of middlewares) {
    if (middleware.kind === 'strip-prefix') stripFirst(middleware.prefixes, request);
    else setHeaders(middleware.request, request);
  }
}

/** The first middleware is the outermost: it sees the response last. */
export function applyToResponse(middlewares: readonly MiddlewareConfig[], headers: HeaderList): void {
  for (const middleware of middlewares.toReversed()) {
    if (middleware.kind !== 'headers') continue;
    for (const [name, value] of Object.entries(middleware.response)) {
      if (value === '') headers.remove(name);
      else headers.set(name, value);
    }
  }
}

function stripFirst(prefixes: readonly string[], request: OutgoingRequest): void {
  for (const prefix of prefixes) {
    const rest = stripPrefix(request.rawPath, prefix);
    if (rest === undefined) continue;
    // What is left may begin with `..`: `/api../x` without `/api` must not lead above the root.
    request.rawPath = resolveSegments(rest);
    request.headers.append('X-Forwarded-Prefix', prefix.trim());
    return;
  }
}

function setHeaders(headers: Readonly<Record<string, string>>, request: OutgoingRequest): void {
  for (const [name, value] of Object.entries(headers)) {
    if (name.toLowerCase() === 'host') request.host = value === '' ? undefined : value;
    else if (value === '') request.headers.remove(name);
    else request.headers.set(name, value);
  }
}
