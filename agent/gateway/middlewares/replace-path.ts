import type { ReplacePathConfig, ReplacePathRegexConfig } from '../../../shared/gateway/middleware.ts';
import { textAnswer, type OwnAnswer } from '../own-answer.ts';
import { sentPath } from './go-path.ts';
import type { HeadStep } from './head-step.ts';
import type { OutgoingRequest } from './outgoing-request.ts';
import { pattern } from './pattern.ts';

export function replacePath({ path }: ReplacePathConfig): HeadStep {
  return { request: (request) => replace(request, path) };
}

export function replacePathRegex(config: ReplacePathRegexConfig): HeadStep {
  const compiled = pattern(config.pattern.trim());
  const template = config.replacement.trim();
  return {
    request(request) {
      if (!compiled.test(request.rawPath)) return undefined;
      return replace(request, compiled.replaceAll(request.rawPath, template));
    },
  };
}

function replace(request: OutgoingRequest, path: string): OwnAnswer | undefined {
  request.headers.append('X-Replaced-Path', request.rawPath);
  const sent = sentPath(path);
  if (sent === undefined) {
    const wrong = /%(?![0-9a-fA-F]{2}).{0,2}/s.exec(path)?.[0] ?? '%';
    const text = `invalid URL escape ${JSON.stringify(wrong)}`;
    return textAnswer(500, text, 'middleware-refused', `The path ${JSON.stringify(path)} has wrong escapes.`);
  }
  request.rawPath = sent;
  return undefined;
}
