import { hash } from 'node:crypto';
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
  return traefikName(namespace, name, hash('sha256', rule, 'hex').slice(0, 20));
}

/** The default name of a service's cookie: five hex digits. */
export function cookieName(service: string): string {
  return `_${hash('sha1', `_TRAEFIK_BACKEND_${service}`, 'hex').slice(0, 5)}`;
}

/** Under Traefik's name of it. What has the same name there, but is not the same, gets a key of its own. */
export function addService(scope: Scope, made: ServiceConfig): string {
  let text: string | undefined;
  for (let count = 1; ; count++) {
    const key = count === 1 ? made.name : `${made.name}#${count}`;
    const known = scope.services.get(key);
    if (known === undefined) {
      scope.services.set(key, made);
      return key;
    }
    text ??= JSON.stringify(made);
    if (JSON.stringify(known) === text) return key;
  }
}
