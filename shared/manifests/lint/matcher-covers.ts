import type { Matcher } from '../../gateway/config.ts';

/**
 * Whether all that the second matcher takes, the first takes too. Sure when it says so; of what it cannot tell it says no.
 */
export function covers(first: Matcher, second: Matcher): boolean {
  const wanted = parts(first);
  return alternatives(second).every((alternative) => {
    const given = parts(alternative);
    return wanted.every((want) => given.some((have) => implies(have, want)));
  });
}

function parts(matcher: Matcher): readonly Matcher[] {
  return matcher.kind === 'all' ? matcher.of.flatMap(parts) : [matcher];
}

function alternatives(matcher: Matcher): readonly Matcher[] {
  return matcher.kind === 'any' ? matcher.of.flatMap(alternatives) : [matcher];
}

function implies(have: Matcher, want: Matcher): boolean {
  if (JSON.stringify(have) === JSON.stringify(want)) return true;
  if (want.kind === 'any') return want.of.some((one) => implies(have, one));
  if (want.kind === 'path-prefix') {
    if (have.kind === 'path') return have.path.startsWith(want.prefix);
    if (have.kind === 'path-prefix') return have.prefix.startsWith(want.prefix);
    // Every path begins with a slash.
    return want.prefix === '/' || want.prefix === '';
  }
  return false;
}
