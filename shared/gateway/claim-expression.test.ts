import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseClaimExpression } from './claim-expression.ts';
import type { Claims } from './claim-path.ts';

function holds(expression: string, claims: Claims): boolean {
  const check = parseClaimExpression(expression);
  if (typeof check !== 'function') throw new Error(check.problem);
  return check(claims);
}

const claims: Claims = {
  sub: 'ada',
  scope: 'read write',
  groups: ['admin', 'dev', 7],
  level: 3,
  verified: true,
  org: { name: 'acme', 'a.b': 'dotted' },
  'https://x.test/app': 'shop',
};

describe('claim expressions', () => {
  test.each<[string, boolean]>([
    ['Equals(`sub`, `ada`)', true],
    ['Equals(`sub`,`Ada`)', false],
    ['Equals(`level`, `3`)', true],
    ['Equals(`verified`, `true`)', true],
    ['Equals(`groups`, `admin`)', false],
    ['Equals(`missing`, ``)', false],
    ['Prefix(`sub`, `a`)', true],
    ['Prefix(`org`, `a`)', false],
    ['Contains(`groups`, `dev`)', true],
    ['Contains(`groups`, `de`)', false],
    ['Contains(`scope`, `rea`)', true],
    ['SplitContains(`scope`, ` `, `write`)', true],
    ['SplitContains(`scope`, ` `, `writ`)', false],
    ['OneOf(`sub`, `bob`, `ada`)', true],
    ['OneOf(`sub`, `bob`)', false],
    ['Equals(`org.name`, `acme`)', true],
    ['Equals(`org.a\\.b`, `dotted`)', true],
    ['Equals(`constructor.name`, `Object`)', false],
    ['!Equals(`sub`, `bob`)', true],
    ['Equals(`sub`,`ada`) || Equals(`sub`,`x`) && Equals(`sub`,`y`)', true],
    ['(Equals(`sub`,`ada`) || Equals(`sub`,`x`)) && Equals(`sub`,`y`)', false],
    ['!(Equals(`sub`,`x`) || Equals(`sub`,`y`))', true],
    ['Equals("sub", "ada")', true],
  ])('%s is %s', (expression, wanted) => {
    expect(holds(expression, claims)).toBe(wanted);
  });

  test.each<[string, RegExp]>([
    ['', /expected a function/],
    ['Equals(`sub`)', /takes 2 arguments, not 1, at character 1/],
    ['Equals(`a`,`b`,`c`)', /takes 2 arguments/],
    ['OneOf(`a`)', /at least 2/],
    ['Ohubf(`a`,`b`)', /no function "Ohubf"/],
    ['toString(`a`,`b`)', /no function/],
    ['Equals(`a`, b)', /backquotes, at character 13/],
    ['Equals(`a`, `b', /never closed/],
    ['Equals(`a`,`b`) &&', /expected a function/],
    ['Equals(`a`,`b`) Equals(`a`,`b`)', /expected && or \|\|/],
    ['(Equals(`a`,`b`)', /expected \)/],
    ['!'.repeat(1000), /deep/],
  ])('%s is refused', (expression, problem) => {
    expect(parseClaimExpression(expression)).toEqual({ problem: expect.stringMatching(problem) });
  });

  test('any tree of expressions is read back as it was meant', () => {
    interface Tree {
      readonly text: string;
      readonly value: boolean;
    }
    const leaf = fc
      .tuple(fc.stringMatching(/^[^`.\\]{0,8}$/), fc.boolean())
      .map(([text, same]): Tree => ({ text: `Equals(\`v\`, \`${same ? '' : '~'}${text}\`)`, value: false }))
      .chain((tree) => fc.constantFrom(tree, { text: 'Equals(`sub`, `ada`)', value: true }));
    const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small' },
        leaf,
        tie('tree').map(({ text, value }): Tree => ({ text: `!(${text})`, value: !value })),
        fc
          .tuple(tie('tree'), tie('tree'))
          .map(([a, b]): Tree => ({ text: `(${a.text}) && (${b.text})`, value: a.value && b.value })),
        fc
          .tuple(tie('tree'), tie('tree'))
          .map(([a, b]): Tree => ({ text: `(${a.text})||(${b.text})`, value: a.value || b.value })),
      ),
    }));
    fc.assert(fc.property(tree, ({ text, value }) => holds(text, { sub: 'ada' }) === value));
  });

  test('no text makes the parser throw, nor a check', () => {
    const piece = fc.constantFrom('Equals', 'OneOf', '(', ')', '`a`', '`', ',', '&&', '||', '!', ' ', '.', '\\', '"');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece).map((all) => all.join('')),
        ),
        fc.object(),
        (text, object) => {
          const check = parseClaimExpression(text);
          if (typeof check === 'function') check(object);
          else expect(check.problem).not.toBe('');
        },
      ),
    );
  });
});
