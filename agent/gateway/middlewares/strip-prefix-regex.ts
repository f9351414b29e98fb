import { utf8Bytes } from '../../../shared/gateway/byte-text.ts';
import type { StripPrefixRegexConfig } from '../../../shared/gateway/middleware.ts';
import { resolveSegments } from '../request-path.ts';
import { withSlash } from './go-path.ts';
import type { HeadStep } from './head-step.ts';
import { pattern } from './pattern.ts';
import { afterPrefix } from './strip-prefix.ts';

export function stripPrefixRegex(config: StripPrefixRegexConfig): HeadStep {
  const patterns = config.patterns.map((source) => pattern(source.trim()));
  return {
    request(request) {
      const { path } = request;
      for (const each of patterns) {
        const found = each.find(path);
        if (found === undefined || found.text === '' || !path.startsWith(found.text)) continue;
        request.headers.append('X-Forwarded-Prefix', found.text);
        const rest = withSlash(afterPrefix(request.rawPath, utf8Bytes(found.text)) ?? '');
        request.rawPath = rest === '' ? '' : resolveSegments(rest);
        return undefined;
      }
      return undefined;
    },
  };
}
