import type { Scalar } from 'yaml';

/**
 * How Kubernetes reads a plain (unquoted) scalar: by YAML 1.1 as go-yaml v2 has it, which sigs.k8s.io/yaml uses. Words
 * such as `yes` and `off` are booleans, `0777` is octal, `1_000` is a number; base 60 and timestamps are texts.
 */
export function plainScalar(source: string): unknown {
  const word = WORDS.get(source);
  if (word !== undefined) return word;
  if (source === '' || source === '~' || NULLS.has(source)) return null;
  const first = source.charCodeAt(0);
  if (source.startsWith('.')) return FRACTION.test(source) ? float(source, source) : source;
  // Only what begins with a digit or a sign can be a number.
  if (source.length > LONGEST_NUMBER || !((first >= 48 && first <= 57) || first === 43 || first === 45)) return source;
  const plain = source.replaceAll('_', '');
  const whole = integer(plain);
  if (whole !== undefined) return whole;
  return FLOAT.test(plain) ? float(plain, source) : source;
}

/** Go's `strconv.ParseFloat` refuses what is beyond the range of a double; then the scalar stays a text. */
function float(text: string, source: string): number | string {
  const value = Number(text);
  return Number.isFinite(value) ? value : source;
}

const WORDS: ReadonlyMap<string, boolean | number> = new Map<string, boolean | number>([
  ...['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'].map((word) => [word, true] as const),
  ...['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'].map((word) => [word, false] as const),
  ...['.nan', '.NaN', '.NAN'].map((word) => [word, Number.NaN] as const),
  ...['.inf', '.Inf', '.INF', '+.inf', '+.Inf', '+.INF'].map((word) => [word, Infinity] as const),
  ...['-.inf', '-.Inf', '-.INF'].map((word) => [word, -Infinity] as const),
]);
/** The size of one that is longer is beyond any range, but for leading zeros. */
const LONGEST_NUMBER = 1000;
const NULLS = new Set(['null', 'Null', 'NULL']);
const FRACTION = /^\.[0-9]+([eE][-+]?[0-9]+)?$/;
const FLOAT = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/;
const INTEGERS: readonly (readonly [RegExp, string])[] = [
  [/^([-+]?)0[xX]([0-9a-fA-F]+)$/, '0x'],
  [/^([-+]?)0[bB]([01]+)$/, '0b'],
  [/^([-+]?)0[oO]?([0-7]+)$/, '0o'],
  [/^([-+]?)([1-9][0-9]*|0)$/, ''],
];

/** Go's `strconv.ParseInt` and `ParseUint` with base 0: up to 64 bits. */
function integer(text: string): number | undefined {
  for (const [pattern, prefix] of INTEGERS) {
    const match = pattern.exec(text);
    if (match === null) continue;
    const [, sign = '', digits = ''] = match;
    const size = BigInt(`${prefix}${digits}`);
    const fits = sign === '-' ? size <= 1n << 63n : sign === '+' ? size < 1n << 63n : size < 1n << 64n;
    // Without -0, which JSON does not tell from 0.
    return fits ? Number(sign === '-' ? -size : size) : undefined;
  }
  return undefined;
}

/** The value of a scalar: a quoted, folded or tagged one is what the library made of it. */
export function scalarValue(node: Scalar): unknown {
  const { value, source } = node;
  if (node.type === 'PLAIN' && node.tag === undefined && source !== undefined && !source.includes('\n'))
    return plainScalar(source);
  return typeof value === 'bigint' ? Number(value) : (value ?? null);
}

/** The name of a field: keys are texts in JSON, whatever they are read as. */
export function keyName(node: Scalar): string {
  return keyText(scalarValue(node));
}

export function keyText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
