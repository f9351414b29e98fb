/**
 * The hosts of a route that a listener serves: of two that overlap the narrower one. Undefined when none does; empty when
 * neither names any, which stands for all.
 */
export function matchingHostnames(
  listener: string | undefined,
  route: readonly string[],
): readonly string[] | undefined {
  if (listener === undefined) return route;
  if (route.length === 0) return [listener];
  const found = route.flatMap((host) => narrower(listener, host) ?? narrower(host, listener) ?? []);
  return found.length === 0 ? undefined : found;
}

/** As Traefik: a wildcard stands for whatever ends as it does. */
function narrower(wide: string, host: string): string | undefined {
  if (wide === host) return wide;
  return wide.startsWith('*.') && host.endsWith(wide.slice(1)) ? host : undefined;
}
