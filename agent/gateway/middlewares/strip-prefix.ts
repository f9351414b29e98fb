import type { StripPrefixConfig } from '../../../shared/gateway/middleware.ts';
import { utf8Bytes } from '../../../shared/gateway/byte-text.ts';
import { resolveSegments } from '../request-path.ts';
import { withSlash } from './go-path.ts';
import type { HeadStep } from './head-step.ts';

export function stripPrefix(config: StripPrefixConfig): HeadStep {
  const prefixes = config.prefixes.map((prefix) => ({ bytes: utf8Bytes(prefix), header: prefix.trim() }));
  return {
    request(request) {
      for (const { bytes, header } of prefixes) {
        const rest = afterPrefix(request.rawPath, bytes);
        if (rest === undefined) continue;
        const path = config.forceSlash && rest === '' ? '/' : withSlash(rest);
        // What is left may begin with `..`: `/api../x` without `/api` must not lead above the root.
        request.rawPath = path === '' ? '' : resolveSegments(path);
        request.headers.append('X-Forwarded-Prefix', header);
        return undefined;
      }
      return undefined;
    },
  };
}

/** What follows the prefix, escapes kept; undefined when the path without escapes does not begin with it. */
export function afterPrefix(rawPath: string, prefix: Uint8Array): string | undefined {
  let at = 0;
  for (const byte of prefix) {
    if (at >= rawPath.length) return undefined;
    const escaped = rawPath.charCodeAt(at) === 0x25;
    const seen = escaped ? Number.parseInt(rawPath.slice(at + 1, at + 3), 16) : rawPath.charCodeAt(at);
    if (seen !== byte) return undefined;
    at += escaped ? 3 : 1;
  }
  return rawPath.slice(at);
}
