import { describe, expect, it } from 'vitest';
import { parseWorkspaceConfig } from '../../workspace/parse-config.ts';
import { analyze } from '../analyze.ts';
import { readCustomRules } from './custom-rules.ts';
import { lint } from './lint.ts';

interface Rule {
  readonly name?: string;
  readonly expression: string;
  readonly kinds?: readonly string[];
  readonly message?: string;
  readonly severity?: string;
}

/** Findings of custom rules on a ConfigMap with these data. */
function found(rules: readonly Rule[], object: Record<string, unknown> = {}, copies = 1): string[] {
  const text = JSON.stringify({ lint: { custom: rules.map((rule) => ({ name: 'mine', ...rule })) } });
  const { config, problems } = parseWorkspaceConfig(text);
  expect(problems).toEqual([]);
  const files = Array.from({ length: copies }, (_, at) => ({
    path: `${at}.json`,
    text: JSON.stringify({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: `o${at}`, labels: { team: 'a' } },
      ...object,
    }),
  }));
  const customRules = readCustomRules(config.lint.custom, text);
  const analysis = analyze(files, { namespace: 'shop', customRules });
  const again = analyze(files, {
    namespace: 'shop',
    customRules: readCustomRules(config.lint.custom, text),
    previous: analysis,
  });
  expect(again.diagnostics).toEqual(analysis.diagnostics);
  const inLint = lint(analysis);
  expect(inLint.map(({ message }) => message)).toEqual(analysis.diagnostics.map(({ message }) => message));
  return inLint.map(({ severity, code, object: of, message }) => `${severity} ${code} ${of?.name ?? '-'}: ${message}`);
}

describe('custom rules', () => {
  it.each([
    ['object.metadata.labels.team == "a"', undefined],
    ['object.metadata.namespace == "shop"', undefined],
    ['object.kind == "ConfigMap" && size(object.metadata.name) < 10', undefined],
    ['"a/b" in object.metadata.labels', 'failed rule: "a/b" in object.metadata.labels'],
    ['object.spec.replicas > 1', 'failed rule: object.spec.replicas > 1 (no such key: spec)'],
    ['size(object.metadata.name)', 'failed rule: size(object.metadata.name) (the expression gives no true or false)'],
    ['object.metadata.name.matches("^x")', 'failed rule: object.metadata.name.matches("^x")'],
  ])('%s', (expression, said) => {
    expect(found([{ expression }])).toEqual(said === undefined ? [] : [`warning mine o0: ${said}`]);
  });

  it('hold for the kinds that they name, with or without the group', () => {
    const expression = 'false';
    expect(found([{ expression, kinds: ['ConfigMap'] }])).toHaveLength(1);
    expect(found([{ expression, kinds: ['/ConfigMap'] }])).toHaveLength(1);
    expect(found([{ expression, kinds: ['hub.traefik.io/ConfigMap', 'API'] }])).toEqual([]);
  });

  it('have the severity and the message that they say', () => {
    expect(found([{ expression: 'false', severity: 'error', message: 'never' }])).toEqual(['error mine o0: never']);
    expect(found([{ expression: 'false', severity: 'off' }])).toEqual([]);
  });

  it('are named with their place when they are not CEL, use another variable or take a name twice', () => {
    const text = `lint:
  custom:
    - { name: a, expression: 'object.x ==' }
    - { name: b, expression: self.x }
    - name: orphan
      expression: 'true'
    - { name: b, expression: 'true' }
`;
    const { problems } = readCustomRules(parseWorkspaceConfig(text).config.lint.custom, text);
    expect(problems.map(({ line, column, path }) => `${line}:${column} ${path}`)).toEqual([
      '3:30 lint.custom[0].expression',
      '4:30 lint.custom[1].expression',
      '5:13 lint.custom[2].name',
      '7:15 lint.custom[3].name',
    ]);
  });

  it.each([
    ['loops in loops', 'object.data.all(a, object.data.all(b, object.data.all(c, object.data.all(d, true))))'],
    ['lists that double', `[object.data]${'.map(x, x + x)'.repeat(40)}.size() > 0`],
    ['texts that double', `["a"]${'.map(x, x + x)'.repeat(40)}.all(x, x.matches("b"))`],
    ['nests that double', `[1]${'.map(x, [x, x])'.repeat(30)} == [1]${'.map(x, [x, x])'.repeat(30)}`],
    ['a long list of its own', `[${'1,'.repeat(600)}1].all(a, [${'1,'.repeat(600)}1].all(b, a == b))`],
  ])('are not run when they are hostile: %s', (_, expression) => {
    const data = Object.fromEntries(Array.from({ length: 500 }, (_value, at) => [`k${at}`, 'v']));
    expect(found([{ expression }, { name: 'other', expression: 'false' }], { data })).toEqual([
      'warning rule-not-checked o0: the custom rule "mine" was not checked: it takes too long for this object',
      'warning other o0: failed rule: false',
    ]);
  });

  it('end for all objects together, and say where', () => {
    const list = `[${'1,'.repeat(30)}1]`;
    const expression = `${list}.all(a, object.metadata.labels.all(b, b != ''))`;
    const all = found([{ expression, kinds: ['ConfigMap'] }], {}, 1000);
    expect(all).toHaveLength(1);
    expect(all[0]).toContain('custom rules end here: they take too long for this many objects');
  });
}); // prettier-ignore
