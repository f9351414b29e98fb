import type { Matcher } from '../../gateway/matcher.ts';
import { canonicalHost } from '../../http1/canonical-host.ts';

/** Adds the hosts that a rule asks for; what stands below a `!` is not asked for, and what is no host nobody can ask for. */
export function addHosts(hosts: Set<string>, matcher: Matcher): void {
  if (matcher.kind === 'host') {
    const named = canonicalHost(matcher.host);
    if (named.ok && named.value.port === undefined) hosts.add(named.value.host);
  } else if (matcher.kind === 'all' || matcher.kind === 'any') {
    for (const part of matcher.of) addHosts(hosts, part);
  }
}
