/** How the API server shows a value in an error: strings quoted, scalars bare, the rest as JSON (`field.Error`). */
export function shown(value: unknown): string {
  // Go has no integer of that size, and writes a float.
  if (typeof value === 'number' && isHuge(value)) return value.toExponential();
  const json = JSON.stringify(value) ?? 'null';
  return json.length > 512 ? `${json.slice(0, 509)}...` : json;
}

/** The name of a value's type in OpenAPI. */
export function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) && !isHuge(value) ? 'integer' : 'number';
  return typeof value;
}

/** Beyond 64 bits with a sign. */
export function isHuge(value: number): boolean {
  return Math.abs(value) > 2 ** 63;
}

/** The same for fields with a format, where the server speaks in Go's types. */
export function goTypeName(value: unknown): string {
  const name = typeName(value);
  if (name === 'integer') return 'int64';
  return name === 'number' ? 'float64' : '';
}
