import { latin1Text } from '../../shared/gateway/byte-text.ts';
import type { Matcher } from '../../shared/gateway/matcher.ts';
import { assertNever } from '../../shared/result/result.ts';
import { addressSet } from './address-set.ts';
import { re2 } from './re2.ts';
import type { RequestView } from './request-view.ts';

export type Matches = (request: RequestView) => boolean;

/**
 * A matcher as a closure. Regular expressions run in linear time (RE2) and are not anchored, as in Traefik's rules.
 * Throws as `re2` does.
 */
export function compileMatcher(matcher: Matcher): Matches {
  switch (matcher.kind) {
    case 'all': {
      const of = matcher.of.map(compileMatcher);
      return (request) => of.every((matches) => matches(request));
    }
    case 'any': {
      const of = matcher.of.map(compileMatcher);
      return (request) => of.some((matches) => matches(request));
    }
    case 'not': {
      const of = compileMatcher(matcher.of);
      return (request) => !of(request);
    }
    case 'host': {
      const host = bareHost(matcher.host);
      return (request) => request.host === null || request.host === host;
    }
    case 'host-regexp': {
      const test = compilePattern(matcher.pattern);
      return (request) => request.host === null || test(request.host);
    }
    case 'path': {
      const { path } = matcher;
      return (request) => request.path === path;
    }
    case 'path-prefix': {
      const { prefix } = matcher;
      return (request) => request.path.startsWith(prefix);
    }
    case 'path-regexp': {
      const test = compilePattern(matcher.pattern);
      return (request) => test(request.path);
    }
    case 'method': {
      const method = matcher.method.toUpperCase();
      return (request) => request.method === method;
    }
    case 'header': {
      const { value } = matcher;
      return headerValue(matcher.name, (seen) => seen === value);
    }
    case 'header-regexp':
      return headerValue(matcher.name, compilePattern(matcher.pattern));
    case 'query': {
      const { name, value = '' } = matcher;
      return (request) => request.rawQuery !== '' && request.query().getAll(name).includes(value);
    }
    case 'query-regexp': {
      const { name } = matcher;
      const test = compilePattern(matcher.pattern);
      return (request) => request.rawQuery !== '' && request.query().getAll(name).some(test);
    }
    case 'query-first': {
      const { name } = matcher;
      const test = compilePattern(matcher.pattern);
      return (request) => {
        const first = request.rawQuery === '' ? undefined : request.query().getAll(name)[0];
        return test(first === undefined ? '' : `${name}=${first}`);
      };
    }
    case 'client-ip': {
      const holds = addressSet([matcher.cidr]);
      return (request) => holds(request.clientIp);
    }
    default:
      return assertNever(matcher);
  }
}

export function compilePattern(pattern: string): (text: string) => boolean {
  const compiled = re2(pattern);
  return (text) => compiled.test(text);
}

/** The form in which the view of a request has its host. */
export function bareHost(host: string): string {
  const lower = host.toLowerCase();
  return lower.endsWith('.') ? lower.slice(0, -1) : lower;
}

function headerValue(header: string, test: (value: string) => boolean): Matches {
  const name = header.toLowerCase();
  // Go takes these out of a request's headers.
  if (name === 'host' || name === 'transfer-encoding' || name === 'trailer') return () => false;
  return (request) => {
    const values = request.headerValues(name);
    for (const value of name === 'x-forwarded-for' ? withoutVisitor(values) : values)
      if (test(latin1Text(value))) return true;
    return false;
  };
}

/** The broker has added the visitor's address; Traefik adds it behind its rules. */
function withoutVisitor(values: readonly string[]): readonly string[] {
  const list = values.join(', ');
  const comma = list.lastIndexOf(',');
  return comma < 0 ? [] : [list.slice(0, comma).trimEnd()];
}
