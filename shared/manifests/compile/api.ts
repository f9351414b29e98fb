import type { ApiConfig, AuthConfig, CorsConfig, OperationMatcher } from '../../gateway/config.ts';
import { fields, flag, integer, isFields, items, text, texts, type Fields } from '../field.ts';
import type { FieldPath } from '../field-path.ts';
import { regexProblem } from '../regex.ts';
import type { ManifestDocument } from '../types.ts';
import { notEnforced, say, type Scope } from './scope.ts';

/** What an API asks for when its namespace has no APIAuth, and when an APIAuth names no source (`hub-kinds` facts 1.3). */
const DEFAULT_KEY_SOURCE = { header: 'Authorization', scheme: 'Bearer', query: 'api_key' };

export function apiConfig(scope: Scope, api: ManifestDocument): ApiConfig {
  const spec = fields(api.value, 'spec');
  const operationSets: Record<string, readonly OperationMatcher[]> = {};
  addOperationSets(scope, api, operationSets);
  for (const { wanted, target } of scope.resolution.referencesOf.get(api) ?? []) {
    if (wanted.kind === 'APIVersion' && target !== undefined) addOperationSets(scope, target, operationSets);
  }
  sayUnchecked(scope, api);
  return {
    source: api.ref,
    title: text(spec['title']),
    auth: authConfig(scope.resolution.auths.get(api.ref.namespace)),
    cors: isFields(spec['cors']) ? corsConfig(scope, api, spec['cors']) : undefined,
    operationSets,
  };
}

/** Said once for each version, not for each route that is attached to it. */
export function describeVersion(scope: Scope, version: ManifestDocument): void {
  sayUnchecked(scope, version);
  if (Object.hasOwn(fields(version.value, 'spec'), 'cors')) {
    notEnforced(scope, version, ['spec', 'cors'], 'the CORS rules of the API apply to all of its versions');
  }
}

/** What an APIAuth asks for that a preview cannot check. */
export function describeAuth(scope: Scope, auth: ManifestDocument): void {
  const spec = fields(auth.value, 'spec');
  const inForce = scope.resolution.auths.get(auth.ref.namespace) === auth;
  if (!inForce && spec['isDefault'] === false) {
    notEnforced(
      scope,
      auth,
      ['spec', 'isDefault'],
      'only the default APIAuth of a namespace applies to its APIs',
      'info',
    );
    return;
  }
  for (const method of ['jwt', 'ldap']) {
    if (Object.hasOwn(spec, method)) {
      notEnforced(
        scope,
        auth,
        ['spec', method],
        `authentication by ${method} is not served yet; calls to the APIs of namespace "${auth.ref.namespace}" get 501`,
      );
    }
  }
}

function authConfig(auth: ManifestDocument | undefined): AuthConfig {
  if (auth === undefined) return { kind: 'api-key', ...DEFAULT_KEY_SOURCE };
  const spec = fields(auth.value, 'spec');
  if (Object.hasOwn(spec, 'keyless')) return { kind: 'keyless', source: auth.ref };
  const method = ['jwt', 'ldap'].find((name) => Object.hasOwn(spec, name));
  if (method !== undefined) return { kind: 'unsupported', source: auth.ref, method };
  const source = fields(spec, 'apiKey')['keySource'];
  if (!isFields(source)) return { kind: 'api-key', source: auth.ref, ...DEFAULT_KEY_SOURCE };
  return {
    kind: 'api-key',
    source: auth.ref,
    header: text(source['header']),
    scheme: text(source['headerAuthScheme']),
    query: text(source['query']),
  };
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

function sayUnchecked(scope: Scope, document: ManifestDocument): void {
  const spec = fields(document.value, 'spec', 'openApiSpec');
  for (const field of ['validateRequestMethodAndPath', 'validateRequestBodySchema']) {
    if (spec[field] === true)
      notEnforced(
        scope,
        document,
        ['spec', 'openApiSpec', field],
        'requests are not checked against the OpenAPI document yet',
      );
  }
}
