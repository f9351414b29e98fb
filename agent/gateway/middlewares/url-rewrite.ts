import type { UrlRewriteConfig } from '../../../shared/gateway/filter.ts';
import type { HeadStep } from './head-step.ts';
import { replacedPath } from './new-path.ts';

/** A filter URLRewrite: another host and path for the upstream. */
export function urlRewrite({ hostname, path }: UrlRewriteConfig): HeadStep {
  return {
    request(request) {
      if (path !== undefined) request.rawPath = replacedPath(request.rawPath, path);
      if (hostname !== undefined) request.host = hostname;
      return undefined;
    },
  };
}
