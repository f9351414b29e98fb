export type Claims = Readonly<Record<string, unknown>>;

/** `a.b` leads into objects, `\.` is a dot of a name (`hub-kinds` facts 2.4). */
export function splitClaimPath(path: string): readonly string[] {
  const keys: string[] = [];
  let key = '';
  for (let at = 0; at < path.length; at += 1) {
    if (path[at] === '\\' && path[at + 1] === '.') {
      key += '.';
      at += 1;
    } else if (path[at] === '.') {
      keys.push(key);
      key = '';
    } else {
      key += path[at];
    }
  }
  return [...keys, key];
}

export function claimAt(claims: Claims, keys: readonly string[]): unknown {
  let at: unknown = claims;
  for (const key of keys) {
    if (typeof at !== 'object' || at === null || Array.isArray(at) || !Object.hasOwn(at, key)) return undefined;
    at = (at as Claims)[key];
  }
  return at;
}

/** A claim by its name as a whole, as issuers that name claims by URLs need it, else by its path. */
export function namedClaim(claims: Claims, name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : claimAt(claims, splitClaimPath(name));
}

/** The text of a string, number or truth value; of nothing else there is one. */
export function claimText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}
