import type { GatewayConfig } from '../../shared/gateway/config.ts';

/**
 * Where each Service of a configuration is reached instead of where the manifests say: the first that names it, the most
 * exact first. `places` are asked in order (the caller's request, then `adit.yaml`).
 */
export function resolveUpstreams(
  config: GatewayConfig,
  places: readonly Readonly<Record<string, string>>[],
  defaultNamespace: string,
): Map<string, string> {
  const urls = new Map<string, string>();
  for (const [key, { namespace, service, port }] of Object.entries(config.upstreams)) {
    const names = [`${namespace}/${service}:${port}`, `${namespace}/${service}`];
    if (namespace === defaultNamespace) names.push(`${service}:${port}`, service);
    const named = places.map((place) => names.map((name) => place[name]).find((found) => found !== undefined));
    const found = named.find((one) => one !== undefined);
    if (found !== undefined) urls.set(key, found);
  }
  return urls;
}
