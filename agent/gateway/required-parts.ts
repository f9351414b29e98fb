import type { Matcher } from '../../shared/gateway/matcher.ts';
import { bareHost } from './compile-matcher.ts';

/** Paths under which a matcher can be true. */
export interface PathKey {
  readonly kind: 'exact' | 'prefix';
  readonly path: string;
}

/** More alternatives than this are not told apart. */
const MAX_KEYS = 64;

/** Every host under which the matcher can be true; undefined when it can be true under any. */
export function requiredHosts(matcher: Matcher): readonly string[] | undefined {
  return required(matcher, (leaf) => (leaf.kind === 'host' ? [bareHost(leaf.host)] : undefined), fewest);
}

/** Every path under which the matcher can be true; undefined when it can be true under any. */
export function requiredPaths(matcher: Matcher): readonly PathKey[] | undefined {
  return required(
    matcher,
    (leaf) => {
      if (leaf.kind === 'path') return [{ kind: 'exact', path: leaf.path }];
      return leaf.kind === 'path-prefix' ? [{ kind: 'prefix', path: leaf.prefix }] : undefined;
    },
    longest,
  );
}

/**
 * What must hold for a matcher to be true, as alternatives. Of the parts that must all hold one is enough to find the
 * route by; `better` says which.
 */
function required<Key>(
  matcher: Matcher,
  ofLeaf: (leaf: Matcher) => readonly Key[] | undefined,
  better: (a: readonly Key[], b: readonly Key[]) => readonly Key[],
): readonly Key[] | undefined {
  if (matcher.kind === 'not') return undefined;
  if (matcher.kind !== 'all' && matcher.kind !== 'any') return ofLeaf(matcher);
  let found: readonly Key[] | undefined;
  for (const part of matcher.of) {
    const keys = required(part, ofLeaf, better);
    if (matcher.kind === 'all') {
      if (keys !== undefined) found = found === undefined ? keys : better(found, keys);
    } else {
      if (keys === undefined) return undefined;
      found = [...(found ?? []), ...keys];
      if (found.length > MAX_KEYS) return undefined;
    }
  }
  return matcher.kind === 'any' ? (found ?? []) : found;
}

function fewest<Key>(a: readonly Key[], b: readonly Key[]): readonly Key[] {
  return b.length < a.length ? b : a;
}

/** An exact path tells more than any prefix, and a long prefix more than a short one. */
function longest(a: readonly PathKey[], b: readonly PathKey[]): readonly PathKey[] {
  return worth(b) > worth(a) ? b : a;
}

function worth(keys: readonly PathKey[]): number {
  return Math.min(Infinity, ...keys.map(({ kind, path }) => path.length + (kind === 'exact' ? 1_000_000 : 0)));
}
