import type { Matcher } from '../../gateway/matcher.ts';
import { canonicalHost } from '../../http1/canonical-host.ts';

const known = new WeakMap<Matcher, readonly string[]>();

/** Adds the hosts that a rule asks for; what stands below a `!` is not asked for, and what is no host nobody can ask for. */
export function addHosts(hosts: Set<string>, matcher: Matcher): void {
  let asked = known.get(matcher);
  if (asked === undefined) known.set(matcher, (asked = hostsOf(matcher)));
  for (const host of asked) hosts.add(host);
}

function hostsOf(matcher: Matcher): readonly string[] {
  if (matcher.kind === 'host') {
    const named = canonicalHost(matcher.host);
    return named.ok && named.value.port === undefined ? [named.value.host] : [];
  }
  return matcher.kind === 'all' || matcher.kind === 'any' ? matcher.of.flatMap(hostsOf) : [];
}
