import type { Matcher } from '../../gateway/matcher.ts';

/** A matcher in words that read in a sentence: `host shop.test and path below /v1`. */
export function matcherWords(matcher: Matcher): string {
  switch (matcher.kind) {
    case 'all':
      if (matcher.of.length === 0) return 'every request';
      return matcher.of.map((part) => nested(part, 'any')).join(' and ');
    case 'any':
      return matcher.of.map((part) => nested(part, 'all')).join(' or ');
    case 'not':
      return `not (${matcherWords(matcher.of)})`;
    case 'host':
      return `host ${matcher.host}`;
    case 'host-regexp':
      return `host like ${matcher.pattern}`;
    case 'path':
      return `path ${matcher.path}`;
    case 'path-prefix':
      return `path begins with ${matcher.prefix}`;
    case 'path-regexp':
      return `path like ${matcher.pattern}`;
    case 'method':
      return `method ${matcher.method}`;
    case 'header':
      return `header ${matcher.name}: ${matcher.value}`;
    case 'header-regexp':
      return `header ${matcher.name} like ${matcher.pattern}`;
    case 'query':
      return `query ${matcher.name}=${matcher.value ?? ''}`;
    case 'query-regexp':
      return `query ${matcher.name} like ${matcher.pattern}`;
    case 'query-first':
      return `first query ${matcher.name} like ${matcher.pattern}`;
    case 'client-ip':
      return `caller in ${matcher.cidr}`;
  }
}

function nested(part: Matcher, brackets: 'all' | 'any'): string {
  return part.kind === brackets && part.of.length > 1 ? `(${matcherWords(part)})` : matcherWords(part);
}
