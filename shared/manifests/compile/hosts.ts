import type { Matcher } from '../../gateway/config.ts';

/** Adds the hosts that a rule asks for; what stands below a `!` is not asked for. */
export function addHosts(hosts: Set<string>, matcher: Matcher): void {
  if (matcher.kind === 'host') hosts.add(matcher.host);
  else if (matcher.kind === 'all' || matcher.kind === 'any') for (const part of matcher.of) addHosts(hosts, part);
}
