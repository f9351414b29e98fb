import type { ApiConfig, CorsConfig, OperationMatcher } from '../../gateway/config.ts';
import { fields, flag, integer, isFields, items, text, texts, type Fields } from '../field.ts';
import type { FieldPath } from '../field-path.ts';
import { regexProblem } from '../regex.ts';
import type { ManifestDocument } from '../types.ts';
import { authConfig } from './auth.ts';
import { notEnforced, say, type Scope } from './scope.ts';

export function apiConfig(scope: Scope, api: ManifestDocument): ApiConfig {
  const spec = fields(api.value, 'spec');
  const operationSets: Record<string, readonly OperationMatcher[]> = {};
  addOperationSets(scope, api, operationSets);
  for (const { wanted, target } of scope.resolution.referencesOf.get(api) ?? []) {
    if (wanted.kind === 'APIVersion' && target !== undefined) addOperationSets(scope, target, operationSets);
  }
  return {
    source: api.ref,
    title: text(spec['title']),
    auth: authConfig(scope, scope.resolution.auths.get(api.ref.namespace)),
    cors: isFields(spec['cors']) ? corsConfig(scope, api, spec['cors']) : undefined,
    operationSets,
  };
}

/** Said once for each version, not for each route that is attached to it. */
export function describeVersion(scope: Scope, version: ManifestDocument): void {
  if (Object.hasOwn(fields(version.value, 'spec'), 'cors')) {
    notEnforced(scope, version, ['spec', 'cors'], 'the CORS rules of the API apply to all of its versions');
  }
}

function corsConfig(scope: Scope, api: ManifestDocument, cors: Fields): CorsConfig {
  const patterns = texts(cors['allowOriginListRegex']);
  for (const [at, pattern] of patterns.entries())
    checkRegex(scope, api, ['spec', 'cors', 'allowOriginListRegex', at], pattern);
  return {
    allowOrigins: texts(cors['allowOriginsList']),
    allowOriginPatterns: patterns.filter((pattern) => regexProblem(pattern) === undefined),
    allowMethods: texts(cors['allowMethodsList']),
    allowHeaders: texts(cors['allowHeadersList']),
    exposeHeaders: texts(cors['exposeHeadersList']),
    allowCredentials: flag(cors['allowCredentials']) ?? false,
    maxAgeSeconds: integer(cors['maxAge']),
    addVaryHeader: flag(cors['addVaryHeader']) ?? false,
  };
}

function addOperationSets(
  scope: Scope,
  holder: ManifestDocument,
  sets: Record<string, readonly OperationMatcher[]>,
): void {
  const path = ['spec', 'openApiSpec', 'operationSets'];
  for (const [at, entry] of items(fields(holder.value, 'spec', 'openApiSpec')['operationSets']).entries()) {
    const name = text(fields(entry)['name']);
    if (name === undefined) continue;
    if (Object.hasOwn(sets, name)) {
      notEnforced(
        scope,
        holder,
        [...path, at, 'name'],
        `operation set "${name}" is defined more than once for this API; the first one counts`,
      );
      continue;
    }
    sets[name] = items(fields(entry)['matchers']).flatMap((matcher, index) => {
      const from = fields(matcher);
      const pathRegex = text(from['pathRegex']);
      const bad =
        pathRegex !== undefined && !checkRegex(scope, holder, [...path, at, 'matchers', index, 'pathRegex'], pathRegex);
      // A matcher that cannot be read selects nothing, so that it allows nothing.
      if (bad) return [];
      return [
        { methods: texts(from['methods']), path: text(from['path']), pathPrefix: text(from['pathPrefix']), pathRegex },
      ];
    });
  }
}

function checkRegex(scope: Scope, document: ManifestDocument, path: FieldPath, pattern: string): boolean {
  const problem = regexProblem(pattern);
  if (problem !== undefined) say(scope, document, 'regex-invalid', path, `not a regular expression: ${problem}`);
  return problem === undefined;
}
