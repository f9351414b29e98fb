import { describe, expect, it } from 'vitest';
import { parseFile } from '../parse.ts';
import { bundledSchemas, schemasFromCrds } from '../schema/schema-set.ts';
import type { Diagnostic } from '../types.ts';
import verdicts from './server-verdicts.json' with { type: 'json' };
import { validateDocument } from './validate.ts';

function validate(text: string, schemas = bundledSchemas()): Diagnostic[] {
  return parseFile({ path: 'a.yaml', text }, 'shop').documents.flatMap((document) =>
    validateDocument(document, schemas),
  );
}

function hub(kind: string, spec: string): string {
  return `apiVersion: hub.traefik.io/v1alpha1\nkind: ${kind}\nmetadata: { name: a }\n${spec === '{}' ? '' : spec}\n`;
}

/** Position and message, as an editor shows them. */
function at({ line, column, endLine, endColumn, message }: Diagnostic): string {
  return `${line}:${column}-${endLine}:${endColumn} ${message}`;
}

describe('says what a real API server (1.37.2) said', () => {
  it.each(verdicts.map(({ kind, spec, answer }) => ({ kind, spec, answer })))(
    '$kind $spec',
    ({ kind, spec, answer }) => {
      const ours = validate(hub(kind, spec));
      const refused = answer.flatMap((cause) =>
        (/strict decoding error: (.*)/.exec(cause.message)?.[1] ?? '').split(', ').filter(Boolean),
      );
      if (refused.length > 0) {
        // The server stops at decoding; we go on to the schema.
        const unknown = ours
          .filter(({ code }) => code === 'unknown-field')
          .map(({ message }) => message.replace('strict decoding error: ', ''));
        expect(unknown).toEqual(refused);
        return;
      }
      const theirs = answer.map((cause) =>
        'path' in cause ? `${cause.path} ${cause.type} ${go(cause.message)}` : cause.message,
      );
      const errors = ours.filter(({ severity }) => severity === 'error');
      expect(errors.map(({ path, type, message }) => `${path} ${type} ${message}`).toSorted()).toEqual(
        theirs.toSorted(),
      );
    },
  );
});

/** Go writes control characters as \x01, JSON as \u0001. */
function go(message: string): string {
  return message.replaceAll(/\\x(..)/g, String.raw`\u00$1`);
}

describe('points at the place', () => {
  it.each([
    [
      'the value that is wrong',
      hub('APIPlan', 'spec:\n  title: a\n  rateLimit:\n    limit: -1\n'),
      '7:12-7:14 Invalid value: -1: must be a positive number',
    ],
    ['the key of what lacks a field', hub('APIPlan', 'spec:\n  rateLimit:\n    limit: 1\n'), '4:1-4:5 Required value'],
    [
      'the key of an unknown field',
      hub('API', 'spec:\n  titel: a\n'),
      '5:3-5:8 strict decoding error: unknown field "spec.titel"',
    ],
    ['an entry of a list', hub('API', 'spec:\n  versions:\n    - name: ok\n    - {}\n'), '7:7-7:9 Required value'],
    [
      'the key of an object that breaks a rule',
      hub('API', 'spec:\n  openApiSpec:\n    validateRequestBodySchema: false\n'),
      '5:3-5:14 Invalid value: path or url must be defined',
    ],
  ])('%s', (_, text, expected) => {
    expect(validate(text).map(at)).toEqual([expected]);
  });

  it('gives every error, not only the first', () => {
    const text = hub('APIPlan', 'spec:\n  rateLimit: { limit: -1, period: 2h, bucket: x, foo: 1 }\n');
    expect(validate(text).map(({ code, path }) => `${code} ${path}`)).toEqual([
      'unknown-field spec.rateLimit.foo',
      'schema spec.title',
      'schema spec.rateLimit.bucket',
      'cel spec.rateLimit.limit',
      'cel spec.rateLimit.period',
    ]);
  });
});

describe('names of the hub', () => {
  it.each([
    ['a.b', 'a lowercase RFC 1123 label must consist of'],
    ['Abc', 'a lowercase RFC 1123 label must consist of'],
    ['x'.repeat(64), 'must be no more than 63 characters'],
  ])('refuses %s', (name, words) => {
    const [problem, ...rest] = validate(`apiVersion: hub.traefik.io/v1alpha1\nkind: API\nmetadata:\n  name: ${name}\n`);
    expect(rest).toEqual([]);
    expect(problem).toMatchObject({
      code: 'name-invalid',
      type: 'FieldValueInvalid',
      path: 'metadata.name',
      line: 4,
      column: 9,
    });
    expect(problem?.message).toContain(words);
  });

  it('asks for a name', () => {
    expect(validate('apiVersion: hub.traefik.io/v1alpha1\nkind: API\nmetadata: {}\n').map(at)).toEqual([
      '3:1-3:9 Required value: name or generateName is required',
    ]);
  });
});

describe('a namespace', () => {
  const strictly = (text: string): Diagnostic[] =>
    parseFile({ path: 'a.yaml', text }, 'shop').documents.flatMap((document) =>
      validateDocument(document, bundledSchemas(), { strictNamespace: true }),
    );

  it('is required where that is asked for', () => {
    expect(strictly(hub('API', 'spec: {}')).map(at)).toEqual(['3:1-3:9 Required value']);
    expect(strictly(hub('API', 'spec: {}').replace('name: a', 'name: a, namespace: b'))).toEqual([]);
    expect(validate(hub('API', 'spec: {}'))).toEqual([]);
  });

  it('is never required of, and forbidden to, a kind of the whole cluster', () => {
    const namespace = (text: string): string => `apiVersion: v1\nkind: Namespace\nmetadata: { name: a${text} }\n`;
    expect(strictly(namespace(''))).toEqual([]);
    expect(strictly(namespace(', namespace: b'))).toMatchObject([
      { type: 'FieldValueForbidden', path: 'metadata.namespace' },
    ]);
  });

  it('is a label', () => {
    expect(validate(hub('API', 'spec: {}').replace('name: a', 'name: a, namespace: a.b'))).toMatchObject([
      { type: 'FieldValueInvalid', path: 'metadata.namespace' },
    ]);
  });
});

describe('kinds', () => {
  it.each([
    ['hub.traefik.io/v1alpha1', 'APi', 'unknown-kind', 'Did you mean "API"?'],
    ['hub.traefik.io/v1', 'API', 'unknown-kind', 'Write apiVersion: hub.traefik.io/v1alpha1.'],
    ['traefik.io/v1alpha1', 'IngresRoute', 'unknown-kind', 'Did you mean "IngressRoute"?'],
  ])('%s %s is told apart', (apiVersion, kind, code, hint) => {
    expect(validate(`apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: { name: a }\n`)).toMatchObject([
      { code, hint, severity: 'error' },
    ]);
  });

  it("takes Traefik's group of before v3 for the one of today, with a warning", () => {
    const before = 'apiVersion: traefik.containo.us/v1alpha1\nkind: Middleware\nmetadata: { name: a }\n';
    const [warning, error] = validate(`${before}spec: { stripPrefix: { prefix: [/a] } }\n`);
    expect(warning).toMatchObject({ code: 'deprecated', severity: 'warning', path: 'apiVersion', line: 1 });
    expect(error).toMatchObject({ code: 'unknown-field', path: 'spec.stripPrefix.prefix' });
  });

  it.each([
    ['AccessControlPolicy', '', 'kind', 'use APIAuth or a Middleware'],
    ['APIRateLimit', 'spec: { limit: 1 }', 'kind', 'use APIPlan'],
    ['AIService', '', 'kind', 'use a middleware'],
    ['ManagedSubscription', 'spec: { apiPlan: { name: a }, applications: [] }', 'spec.applications', 'is deprecated'],
    [
      'APIAuth',
      'spec: { isDefault: true, jwt: { appIdClaim: a, jwksUrl: "https://a" } }',
      'spec.jwt.jwksUrl',
      'is deprecated',
    ],
  ])('warns of what is deprecated: %s %s', (kind, spec, path, message) => {
    expect(validate(hub(kind, spec))).toMatchObject([
      { code: 'deprecated', severity: 'warning', path, message: expect.stringContaining(message) as string },
    ]);
  });

  it('lets kinds of other groups pass', () => {
    expect(validate('apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: a }\nspec: { anything: 1 }\n')).toEqual(
      [],
    );
  });

  it('names the quotes that a label needs', () => {
    const text = 'apiVersion: v1\nkind: Service\nmetadata:\n  name: a\n  labels: { public: true }\n';
    expect(validate(text)).toMatchObject([
      { type: 'FieldValueTypeInvalid', hint: 'If a text is meant, put it in quotes: "true".', line: 5, column: 21 },
    ]);
  });
});

describe('definitions of a cluster', () => {
  const crd = {
    spec: {
      group: 'hub.traefik.io',
      names: { kind: 'API' },
      versions: [
        {
          name: 'v1alpha1',
          served: true,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: {
                spec: {
                  type: 'object',
                  properties: { shade: { type: 'string', pattern: '^(a+)+$' }, count: { type: 'integer' } },
                  'x-kubernetes-validations': [
                    { rule: 'self.count == oldSelf.count', message: 'immutable' },
                    { rule: 'self.shade.find("a") == "a"', message: 'needs a function that is not known here' },
                  ],
                },
              },
            },
          },
        },
      ],
    },
  };
  const live = schemasFromCrds([crd, null, { spec: 5 }, 'nonsense']);

  it('take the place of the bundled ones, kind by kind', () => {
    expect(validate(hub('API', 'spec: { title: x }'), live).map(({ code, path }) => [code, path])).toContainEqual([
      'unknown-field',
      'spec.title',
    ]);
    expect(validate(hub('APIPlan', 'spec: { title: x }'), live)).toEqual([]);
  });

  it('run no hostile pattern in a backtracking engine', () => {
    const problems = validate(hub('API', `spec: { shade: ${'a'.repeat(5_000)}b }`), live);
    expect(problems[0]?.message).toContain(`should match '^(a+)+$'`);
  });

  it('skip rules about changes, and say which rule could not be checked', () => {
    const problems = validate(hub('API', 'spec: { shade: a, count: 1 }'), live);
    expect(problems).toMatchObject([{ code: 'rule-not-checked', severity: 'info', path: 'spec' }]);
  });
});
