import fc from 'fast-check';
import { expect, test } from 'vitest';
import { breakerFunctions, parsePredicate, retryFunctions } from './predicate-expression.ts';

const values: Readonly<Record<string, number | string | boolean>> = {
  NetworkErrorRatio: 0.5,
  ResponseCodeRatio: 0.25,
  LatencyAtQuantileMS: 100,
  RequestMethod: 'GET',
  IsNetworkError: true,
  Attempts: 2,
  ResponseCode: 503,
};
const functions = { ...breakerFunctions, ...retryFunctions };
const holds = (text: string): boolean | string => {
  const predicate = parsePredicate(text, functions);
  return typeof predicate === 'function' ? predicate((name) => values[name] ?? 0) : predicate.problem;
};

test.each<[string, boolean]>([
  ['NetworkErrorRatio() > 0.30', true],
  ['NetworkErrorRatio() > .5', false],
  ['NetworkErrorRatio() >= 5e-1', true],
  ['LatencyAtQuantileMS(50.0) > 50 && ResponseCodeRatio(500, 600, 0, 600) <= 0.25', true],
  ['Attempts() < 2 || (IsNetworkError() && RequestMethod() == "GET")', true],
  ['Attempts() < 2 || IsNetworkError() && RequestMethod() != `GET`', false],
])('%s is %s', (text, wanted) => expect(holds(text)).toBe(wanted));

test.each([
  ['', 'where a function should be'],
  ['NetworkErrorRatio()', 'must be compared'],
  ['NetworkErrorRatio() > 1', 'a number with a decimal point'],
  ['LatencyAtQuantileMS(50) > 1', 'parameter 1'],
  ['Attempts() > 1.0', 'a whole number'],
  ['!IsNetworkError()', '"!"'],
  ['Nothing() > 1', 'no function'],
  ['Attempts() > 1 Attempts()', 'the end'],
  ['RequestMethod() > "GET"', 'only be compared'],
  [`${'('.repeat(200)}Attempts() > 1${')'.repeat(200)}`, 'too deep'],
])('%s is refused', (text, why) => expect(holds(text)).toContain(why));

test('any text is read or refused, and never throws', () => {
  const pieces = fc.constantFrom('Attempts()', '>', '1', '0.5', '&&', '||', '(', ')', '"a"', '`', '!', ' ', ',', 'x');
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 20 }), (parts) => {
      expect(['boolean', 'string']).toContain(typeof holds(parts.join('')));
    }),
  );
});
