import { createHash } from 'node:crypto';
import type { ServiceConfig } from '../../gateway/config.ts';
import type { Scope } from './scope.ts';

/** Traefik's names: letters and digits, and one dash for whatever stands between. */
export function traefikName(...parts: readonly (string | number)[]): string {
  return parts
    .join('-')
    .split(/[^\p{L}\p{N}]+/u)
    .filter((part) => part !== '')
    .join('-');
}

/** Traefik's key of a router of an IngressRoute, which is also the name of its only service. */
export function routerKey(namespace: string, name: string, rule: string): string {
  const hash = createHash('sha256').update(rule).digest('hex').slice(0, 20);
  return traefikName(namespace, name, hash);
}

/** The default name of a service's cookie: five hex digits. */
export function cookieName(service: string): string {
  return `_${createHash('sha1').update(`_TRAEFIK_BACKEND_${service}`).digest('hex').slice(0, 5)}`;
}

/** Under Traefik's name of it. What has the same name there, but is not the same, gets a key of its own. */
export function addService(scope: Scope, made: ServiceConfig): string {
  const text = JSON.stringify(made);
  for (let count = 1; ; count++) {
    const key = count === 1 ? made.name : `${made.name}#${count}`;
    const known = scope.services.get(key);
    if (known === undefined) scope.services.set(key, made);
    if (known === undefined || JSON.stringify(known) === text) return key;
  }
}
