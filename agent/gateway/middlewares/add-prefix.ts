import type { AddPrefixConfig } from '../../../shared/gateway/middleware.ts';
import { joinPath } from './go-path.ts';
import type { HeadStep } from './head-step.ts';

export function addPrefix({ prefix }: AddPrefixConfig): HeadStep {
  return {
    request(request) {
      request.rawPath = joinPath(prefix, request.rawPath);
      return undefined;
    },
  };
}
