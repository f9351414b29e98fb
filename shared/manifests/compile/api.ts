import type { ApiConfig, CorsConfig, OperationMatcher, VersionConfig } from '../../gateway/config.ts';
import { fields, flag, integer, isFields, items, text, texts } from '../field.ts';
import type { FieldPath } from '../field-path.ts';
import { regexProblem } from '../regex.ts';
import type { ManifestDocument } from '../types.ts';
import { authConfig } from './auth.ts';
import { keyOf, madeOnce, notEnforced, say, type Findings, type Scope } from './scope.ts';

export function apiConfig(scope: Scope, api: ManifestDocument): ApiConfig {
  return {
    source: api.ref,
    title: text(fields(api.value, 'spec')['title']),
    auth: authConfig(scope, scope.resolution.auths.get(api.ref.namespace)),
    ...ownRules(scope, api),
  };
}

/** By key, with the APIs that list them. */
export function versionConfigs(scope: Scope, versions: readonly ManifestDocument[]): Record<string, VersionConfig> {
  const configs: Record<string, VersionConfig> = {};
  for (const version of versions) {
    configs[keyOf(version)] = {
      source: version.ref,
      apis: (scope.resolution.parentsOfVersion.get(version) ?? []).map(keyOf),
      ...ownRules(scope, version),
    };
  }
  return configs;
}

/** What an API, or a version of one, says without regard to anything else. */
const ownRules = madeOnce((scope, holder) => ({
  cors: corsConfig(scope, holder),
  operationSets: operationSets(scope, holder),
}));

function corsConfig(scope: Findings, holder: ManifestDocument): CorsConfig | undefined {
  const cors = fields(holder.value, 'spec')['cors'];
  if (!isFields(cors)) return undefined;
  const patterns = texts(cors['allowOriginListRegex']);
  for (const [at, pattern] of patterns.entries())
    checkRegex(scope, holder, ['spec', 'cors', 'allowOriginListRegex', at], pattern);
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

function operationSets(scope: Findings, holder: ManifestDocument): Record<string, readonly OperationMatcher[]> {
  const sets: Record<string, readonly OperationMatcher[]> = {};
  const path = ['spec', 'openApiSpec', 'operationSets'];
  for (const [at, entry] of items(fields(holder.value, 'spec', 'openApiSpec')['operationSets']).entries()) {
    const name = text(fields(entry)['name']);
    if (name === undefined) continue;
    if (Object.hasOwn(sets, name)) {
      notEnforced(
        scope,
        holder,
        [...path, at, 'name'],
        `operation set "${name}" is defined more than once here; the first one counts`,
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
  return sets;
}

function checkRegex(scope: Findings, document: ManifestDocument, path: FieldPath, pattern: string): boolean {
  const problem = regexProblem(pattern);
  if (problem !== undefined) say(scope, document, 'regex-invalid', path, `not a regular expression: ${problem}`);
  return problem === undefined;
}
