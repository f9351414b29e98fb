/** Tolerant reading of plain data whose shape is not certain: what has the wrong type counts as absent. */
export type Fields = Readonly<Record<string, unknown>>;

const NOTHING: Fields = Object.freeze({});
const NO_ITEMS: readonly unknown[] = Object.freeze([]);

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object at the end of the keys, or an empty one. */
export function fields(value: unknown, ...keys: readonly string[]): Fields {
  let at = value;
  for (const key of keys) at = isFields(at) && Object.hasOwn(at, key) ? at[key] : undefined;
  return isFields(at) ? at : NOTHING;
}

export function items(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : NO_ITEMS;
}

export function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

export function integer(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
}

export function flag(value: unknown): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined;
}

/** The entries of a list that are strings. */
export function texts(value: unknown): string[] {
  return items(value).filter((entry) => typeof entry === 'string');
}

/** The entries of a map whose values are strings. */
export function textMap(value: unknown): Record<string, string> {
  const map: Record<string, string> = {};
  for (const [key, entry] of Object.entries(fields(value))) if (typeof entry === 'string') map[key] = entry;
  return map;
}
