import { describe, expect, it } from 'vitest';
import { parseFile } from './parse.ts';
import { plainScalar } from './yaml-scalar.ts';

describe('plain scalars are read as go-yaml v2 reads them', () => {
  it.each([
    ['yes', true], ['Y', true], ['ON', true], ['True', true], ['no', false], ['n', false], ['Off', false],
    ['yEs', 'yEs'], ['oN', 'oN'], ['nay', 'nay'],
    ['', null], ['~', null], ['Null', null], ['nULL', 'nULL'],
    ['0777', 511], ['0o17', 15], ['0x1F', 31], ['-0x1', -1], ['0b101', 5], ['1_000', 1000], ['+12', 12], ['-0', 0],
    ['08', 8], ['1e3', 1000], ['.5', 0.5], ['5.', 5], ['-.5', -0.5], ['0.1e1', 1], ['.e1', '.e1'],
    ['1:30', '1:30'], ['2026-01-02', '2026-01-02'], ['1.2.3', '1.2.3'], ['_1', '_1'], ['0o8', '0o8'], ['0x', '0x'],
    ['.inf', Infinity], ['-.INF', -Infinity], ['12345678901234567890', Number('12345678901234567890')], ['1m', '1m'], ['-', '-'],
    ['1e999', '1e999'], ['-1e999', '-1e999'], ['.5e999', '.5e999'], ['1e-999', 0], ['9'.repeat(200), Number('9'.repeat(200))], ['9'.repeat(400), '9'.repeat(400)],
    ['+0x1F', 31], ['0B11', 3], ['18446744073709551615', 2 ** 64], ['-9223372036854775808', -(2 ** 63)], ['+.5', 0.5], ['1_0.5', 10.5], ['._5', '._5'], ['<<', '<<'],
  ] as const)('%s', (source, value) => {
    expect(plainScalar(source)).toBe(value);
  }); // prettier-ignore

  it('but not what is quoted, folded or tagged', () => {
    const text = 'apiVersion: v1\nkind: X\na: "yes"\nb: !!str yes\nc: |\n  yes\nd: yes\ne: \'0777\'\non: 1\n';
    expect(parseFile({ path: 'a.yaml', text }).documents[0]?.value).toMatchObject({
      a: 'yes',
      b: 'yes',
      c: 'yes\n',
      d: true,
      e: '0777',
      true: 1,
    });
  });

  it('and what JSON cannot hold is told', () => {
    const { diagnostics } = parseFile({ path: 'a.yaml', text: 'apiVersion: v1\nkind: X\na: .inf\n' });
    expect(diagnostics).toMatchObject([{ code: 'yaml-syntax', line: 3, column: 4 }]);
  });
});
