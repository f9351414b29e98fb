import { BlockList, isIP } from 'node:net';
import { RE2JS } from 're2js';
import type { Matcher } from '../../shared/gateway/config.ts';
import { assertNever } from '../../shared/result/result.ts';
import type { RequestView } from './request-view.ts';

export type Matches = (request: RequestView) => boolean;

/**
 * A matcher as a closure. Regular expressions run in linear time (RE2) and are not anchored, as in Traefik's rules.
 * Throws RE2JSSyntaxException for a pattern that RE2 does not know; the compiler of manifests has refused those.
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
      const host = matcher.host.toLowerCase();
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
    case 'path-elements':
      return pathElements(matcher.prefix);
    case 'path-regexp': {
      const test = compilePattern(matcher.pattern);
      return (request) => test(request.path);
    }
    case 'method': {
      const method = matcher.method.toUpperCase();
      return (request) => request.method === method;
    }
    case 'header': {
      const name = matcher.name.toLowerCase();
      const { value } = matcher;
      return (request) => request.headerValues(name).includes(value);
    }
    case 'header-regexp': {
      const name = matcher.name.toLowerCase();
      const test = compilePattern(matcher.pattern);
      return (request) => request.headerValues(name).some(test);
    }
    case 'query': {
      const { name, value = '' } = matcher;
      return (request) => request.rawQuery !== '' && request.query().getAll(name).includes(value);
    }
    case 'query-regexp': {
      const { name } = matcher;
      const test = compilePattern(matcher.pattern);
      return (request) => request.rawQuery !== '' && request.query().getAll(name).some(test);
    }
    case 'client-ip':
      return clientIp(matcher.cidr);
    default:
      return assertNever(matcher);
  }
}

export function compilePattern(pattern: string): (text: string) => boolean {
  const compiled = RE2JS.compile(pattern);
  return (text) => compiled.test(text);
}

function pathElements(prefix: string): Matches {
  const bare = prefix.endsWith('/') ? prefix.slice(0, -1) : prefix;
  const below = `${bare}/`;
  return (request) => request.path === bare || request.path.startsWith(below);
}

function clientIp(cidr: string): Matches {
  const [address = '', bits] = cidr.split('/');
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  const list = new BlockList();
  if (isIP(address) === 0) return () => false;
  if (bits === undefined) list.addAddress(address, family);
  else list.addSubnet(address, Number(bits), family);
  return (request) => {
    const seen = request.clientIp.startsWith('::ffff:') ? request.clientIp.slice(7) : request.clientIp;
    const version = isIP(seen);
    return version !== 0 && list.check(seen, version === 6 ? 'ipv6' : 'ipv4');
  };
}
