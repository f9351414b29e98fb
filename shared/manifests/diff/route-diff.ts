import type { GatewayConfig, RouteConfig } from '../../gateway/config.ts';
import type { ObjectRef } from '../types.ts';
import type { RouteChange, RouteWords } from './change.ts';
import { guardsOf } from './guards.ts';
import { matcherWords } from './matcher-words.ts';

export interface RoutePair {
  readonly before: RouteConfig;
  readonly after: RouteConfig;
}

export interface PairedRoutes {
  readonly pairs: readonly RoutePair[];
  readonly added: readonly RouteConfig[];
  readonly removed: readonly RouteConfig[];
}

/** Routes of both sides that are the same one: of one object with one match, else at the same place of the object. */
export function pairRoutes(before: GatewayConfig, after: GatewayConfig): PairedRoutes {
  const left = new Set(before.routes);
  const pairs = new Map<RouteConfig, RouteConfig>();
  for (const key of [
    (route: RouteConfig) => `${objectWords(route.source)} ${matcherWords(route.match)}`,
    (route: RouteConfig) => route.id,
  ]) {
    const known = Map.groupBy(left, key);
    for (const route of after.routes) {
      const same = pairs.has(route) ? undefined : known.get(key(route))?.shift();
      if (same === undefined) continue;
      pairs.set(route, same);
      left.delete(same);
    }
  }
  return {
    pairs: [...pairs].map(([next, last]) => ({ before: last, after: next })),
    added: after.routes.filter((route) => !pairs.has(route)),
    removed: [...left],
  };
}

export function viewOf(route: RouteConfig, config: GatewayConfig): RouteWords {
  const guards = guardsOf(route, config);
  return {
    object: objectWords(route.source),
    match: matcherWords(route.match),
    backends: backendWords(route, config),
    access: guards.length === 0 ? 'public' : guards.map(({ words }) => words).join(', '),
    api: route.api ?? null,
  };
}

/** What is another about a route, but for its access and middlewares. Undefined: nothing. */
export function routeChange(
  { before, after }: RoutePair,
  old: GatewayConfig,
  now: GatewayConfig,
): (RouteWords & Pick<RouteChange, 'changes'>) | undefined {
  const changes: string[] = [];
  const [was, is] = [viewOf(before, old), viewOf(after, now)];
  const told = (what: string, from: string, to: string): void => {
    if (from !== to) changes.push(`${what}: ${from} → ${to}`);
  };
  told('match', was.match, is.match);
  told('leads to', was.backends, is.backends);
  // The priority follows from the rule unless it is written.
  if (was.match === is.match) told('priority', String(before.priority), String(after.priority));
  told('API', was.api ?? 'none', is.api ?? 'none');
  told('version', before.apiVersion ?? 'none', after.apiVersion ?? 'none');
  // Names of services hold the rule.
  if (was.match === is.match && was.backends === is.backends && servicesOf(before, old) !== servicesOf(after, now))
    changes.push(`how ${is.backends} is reached`);
  return changes.length === 0 ? undefined : { ...is, changes };
}

export function objectWords({ kind, namespace, name }: ObjectRef): string {
  return `${kind} ${namespace === '' ? name : `${namespace}/${name}`}`;
}

function backendWords({ backends }: RouteConfig, config: GatewayConfig): string {
  return shares(
    backends.map(({ service, status, weight }) => ({
      words: status === undefined ? serviceWords(service, config) : `status ${status}`,
      weight,
    })),
  );
}

function serviceWords(name: string, config: GatewayConfig): string {
  const service = config.services[name];
  if (service === undefined) return name;
  switch (service.kind) {
    case 'load-balancer':
      return service.upstream;
    case 'mirroring':
      return `${serviceWords(service.service, config)} mirrored to ${service.mirrors.map((mirror) => serviceWords(mirror.service, config)).join(', ')}`;
    default:
      return shares(service.services.map((one) => ({ words: serviceWords(one.service, config), weight: one.weight })));
  }
}

function shares(parts: readonly { readonly words: string; readonly weight: number }[]): string {
  const all = parts.reduce((sum, { weight }) => sum + weight, 0);
  if (parts.length === 1 || all === 0) return parts.map(({ words }) => words).join(', ');
  return parts.map(({ words, weight }) => `${words} (${Math.round((weight / all) * 1000) / 10} %)`).join(', ');
}

/** The services that a route can reach, with all their settings, to be compared. */
function servicesOf(route: RouteConfig, config: GatewayConfig): string {
  const found: Record<string, unknown> = {};
  const add = (name: string): void => {
    const service = config.services[name];
    if (service === undefined || Object.hasOwn(found, name)) return;
    found[name] = service;
    if (service.kind === 'load-balancer') {
      // Where an object was declared does not change where it leads.
      found[service.upstream] = { ...config.upstreams[service.upstream], source: null };
      if (service.transport !== undefined)
        found[service.transport] = { ...config.transports[service.transport], source: null };
    } else if (service.kind === 'mirroring') for (const next of [service, ...service.mirrors]) add(next.service);
    else for (const next of service.services) add(next.service);
  };
  for (const { service } of route.backends) add(service);
  return JSON.stringify(found);
}
