import { fields, items, text } from '../field.ts';
import { GATEWAY } from '../kinds.ts';
import type { ManifestDocument } from '../types.ts';
import { gatewayListeners, type GatewayListener } from './gateway-listener.ts';
import { matchingHostnames } from './matching-hostnames.ts';
import { notEnforced, say, type Scope } from './scope.ts';

/** Listeners by Gateway, each read once. */
export type Listeners = ReadonlyMap<string, readonly GatewayListener[]>;

export function readListeners(scope: Scope): Listeners {
  const gateways = scope.resolution.byKind.get(`${GATEWAY}/Gateway`) ?? [];
  return new Map(gateways.map((gateway) => [keyOf(gateway.ref), gatewayListeners(scope, gateway)]));
}

function keyOf({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}

/**
 * The hosts under which the listeners that a route is attached to serve it: one list for each listener, empty for all.
 * Nothing when no listener takes the route, which is said.
 */
export function attachedHostnames(
  scope: Scope,
  document: ManifestDocument,
  listeners: Listeners,
): readonly (readonly string[])[] {
  const spec = fields(document.value, 'spec');
  const hostnames = items(spec['hostnames']).filter((host) => typeof host === 'string');
  const parents = items(spec['parentRefs']).map((entry) => fields(entry));
  const candidates = parents.flatMap((parent, at) => listenersOf(scope, document, parent, at, listeners));
  const found: (readonly string[])[] = [];
  for (const [at, parent] of parents.entries()) {
    let why = 'no listener of the Gateway has this name and port';
    let attached = candidates.length === 0;
    // Traefik compares each parentRef with the listeners of all the Gateways that the route names.
    for (const listener of candidates) {
      if (!fits(listener, parent)) continue;
      const hosts = matchingHostnames(listener.hostname, hostnames);
      if (!listener.kinds.includes(document.ref.kind) || !listener.admits(document.ref.namespace))
        why = `listener "${listener.name ?? ''}" of Gateway "${keyOf(listener.gateway)}" does not allow it`;
      else if (hosts === undefined)
        why = `no host of the route is one of listener "${listener.name ?? ''}", which serves ${listener.hostname ?? ''}`;
      else {
        found.push(hosts);
        attached = true;
      }
    }
    if (!attached)
      say(scope, document, 'route-invalid', ['spec', 'parentRefs', at], `the route is not attached: ${why}`, {
        severity: 'warning',
      });
  }
  if (parents.length === 0)
    say(scope, document, 'route-invalid', ['spec'], 'the route names no Gateway: Traefik does not serve it', {
      severity: 'warning',
      hint: 'Add `parentRefs:` with the name of a Gateway.',
    });
  return found;
}

function fits(listener: GatewayListener, parent: Readonly<Record<string, unknown>>): boolean {
  if (listener.name === undefined) return true;
  const section = text(parent['sectionName']) ?? '';
  return (
    (section === '' || section === listener.name) && (parent['port'] === undefined || parent['port'] === listener.port)
  );
}

function listenersOf(
  scope: Scope,
  document: ManifestDocument,
  parent: Readonly<Record<string, unknown>>,
  at: number,
  listeners: Listeners,
): readonly GatewayListener[] {
  const path = ['spec', 'parentRefs', at] as const;
  const kind = text(parent['kind']) ?? 'Gateway';
  if ((text(parent['group']) ?? GATEWAY) !== GATEWAY || kind !== 'Gateway') {
    notEnforced(scope, document, path, `Traefik takes routes of Gateways only, not of a ${kind}`);
    return [];
  }
  const gateway = { namespace: text(parent['namespace']) ?? document.ref.namespace, name: text(parent['name']) ?? '' };
  const known = listeners.get(keyOf(gateway));
  if (known !== undefined) return known;
  // A Gateway of the route's own namespace would be among the files.
  if (gateway.namespace === document.ref.namespace) {
    notEnforced(scope, document, [...path, 'name'], `there is no Gateway "${gateway.name}": the route is not served`);
    return [];
  }
  const why = `Gateway "${keyOf(gateway)}" is not among the files: the route is served as if one of its listeners took it, whatever the host`;
  notEnforced(scope, document, [...path, 'name'], why);
  return [
    {
      gateway,
      name: undefined,
      port: undefined,
      hostname: undefined,
      kinds: ['HTTPRoute', 'GRPCRoute'],
      admits: () => true,
    },
  ];
}
