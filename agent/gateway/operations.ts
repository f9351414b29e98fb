import type { GatewayConfig, OperationMatcher } from '../../shared/gateway/config.ts';
import { compilePattern } from './compile-matcher.ts';

/** Whether a request is of a set. `paths`: its own, and what the OpenAPI document calls it. */
export type Operation = (method: string, paths: readonly string[]) => boolean;

/** The operation sets of APIs and versions, each compiled when it is first asked for. */
export class OperationSets {
  readonly #config: GatewayConfig;
  readonly #compiled = new Map<readonly OperationMatcher[], Operation>();

  constructor(config: GatewayConfig) {
    this.#config = config;
  }

  /** For the routes of the version, its own set of the name comes before that of the API. */
  of(api: string, version: string | undefined, name: string): Operation | undefined {
    const { apis, versions } = this.#config;
    const own = version === undefined ? undefined : versions?.[version]?.operationSets[name];
    const matchers = own ?? apis[api]?.operationSets[name];
    if (matchers === undefined) return undefined;
    const known = this.#compiled.get(matchers) ?? compileOperations(matchers);
    this.#compiled.set(matchers, known);
    return known;
  }
}

/** A set of operations holds a request when one of its matchers does; a property that is not given does not restrict. */
function compileOperations(matchers: readonly OperationMatcher[]): Operation {
  const tests = matchers.map(compileOperation);
  return (method, paths) => tests.some((test) => test(method, paths));
}

function compileOperation({ methods, path, pathPrefix, pathRegex }: OperationMatcher): Operation {
  const allowed = methods.length === 0 ? undefined : new Set(methods.map((method) => method.toUpperCase()));
  const onPath = pathTest(path, pathPrefix, pathRegex);
  return (method, paths) => (allowed === undefined || allowed.has(method)) && paths.some(onPath);
}

function pathTest(path?: string, prefix?: string, regex?: string): (path: string) => boolean {
  if (path !== undefined) return (seen) => seen === path;
  if (prefix !== undefined) return (seen) => seen.startsWith(prefix);
  if (regex !== undefined) return compilePattern(regex);
  return () => true;
}
