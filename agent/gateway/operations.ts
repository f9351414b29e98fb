import type { OperationMatcher } from '../../shared/gateway/config.ts';
import { compilePattern } from './compile-matcher.ts';
import type { RequestView } from './request-view.ts';

export type Operation = (request: RequestView) => boolean;

/** A set of operations holds a request when one of its matchers does; a property that is not given does not restrict. */
export function compileOperations(matchers: readonly OperationMatcher[]): Operation {
  const tests = matchers.map(compileOperation);
  return (request) => tests.some((test) => test(request));
}

function compileOperation({ methods, path, pathPrefix, pathRegex }: OperationMatcher): Operation {
  const allowed = methods.length === 0 ? undefined : new Set(methods.map((method) => method.toUpperCase()));
  const onPath = pathTest(path, pathPrefix, pathRegex);
  return (request) => (allowed === undefined || allowed.has(request.method)) && onPath(request.path);
}

function pathTest(path?: string, prefix?: string, regex?: string): (path: string) => boolean {
  if (path !== undefined) return (seen) => seen === path;
  if (prefix !== undefined) return (seen) => seen.startsWith(prefix);
  if (regex !== undefined) return compilePattern(regex);
  return () => true;
}
