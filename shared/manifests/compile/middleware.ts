import type { MiddlewareConfig } from '../../gateway/config.ts';
import { fields, items, text } from '../field.ts';
import { TRAEFIK } from '../kinds.ts';
import type { ManifestDocument } from '../types.ts';
import { authReaders } from './middleware-auth.ts';
import { bodyReaders } from './middleware-bodies.ts';
import { headers } from './middleware-headers.ts';
import { limitReaders } from './middleware-limits.ts';
import { pathReaders } from './middleware-paths.ts';
import { Reading, type Reader } from './middleware-reading.ts';
import { say, type Scope } from './scope.ts';

/** Types that only add to requests, so that a route may do without. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  passTLSClientCert: 'the broker ends TLS, and asks visitors for no certificate; the headers are not added',
  grpcWeb: 'gRPC-Web is not translated; requests go upstream as they are',
  encodedCharacters: 'the gateway decides itself which encoded characters pass',
};

const readers: Readonly<Record<string, Reader>> = {
  ...pathReaders,
  headers,
  ...limitReaders,
  ...authReaders,
  ...bodyReaders,
  chain,
  plugin: (reading) => reading.refuse([], 'a preview runs no plugins, and cannot know what this one would refuse'),
  ...Object.fromEntries(
    Object.entries(LEFT_OUT).map(([type, why]): [string, Reader] => [
      type,
      (reading) => {
        reading.leftOut([], why);
        return [];
      },
    ]),
  ),
};

type Read = readonly MiddlewareConfig[] | undefined;
const read = new WeakMap<Scope, Map<ManifestDocument, Read | 'reading'>>();

/**
 * What the gateway applies for a Middleware object, chains laid out flat; undefined when Traefik makes no middleware of
 * it, and so serves no route that names it. What is wrong is said once, however many routes name it.
 */
export function middlewareConfigs(scope: Scope, document: ManifestDocument): Read {
  let ofScope = read.get(scope);
  if (ofScope === undefined) read.set(scope, (ofScope = new Map<ManifestDocument, Read | 'reading'>()));
  const known = ofScope.get(document);
  // A circle: it is told where references are resolved.
  if (known === 'reading') return undefined;
  if (ofScope.has(document)) return known;
  ofScope.set(document, 'reading');
  const made = readMiddleware(scope, document);
  ofScope.set(document, made);
  return made;
}

function readMiddleware(scope: Scope, document: ManifestDocument): Read {
  const types = Object.entries(fields(document.value, 'spec')).filter(([, value]) => value !== null);
  const [first, second] = types;
  const refuse = (message: string, type?: string): undefined => {
    const path = type === undefined ? ['spec'] : ['spec', type];
    say(scope, document, 'middleware-invalid', path, `${message}: routes that name this Middleware are not served`);
  };
  if (first === undefined) return refuse('the Middleware has no type');
  if (second !== undefined) return refuse('a Middleware has one type; make two objects of it', second[0]);
  const [type] = first;
  const reader = Object.hasOwn(readers, type) ? readers[type] : undefined;
  return reader === undefined
    ? refuse(`"${type}" is no type of Middleware`, type)
    : reader(new Reading(scope, document, type));
}

function chain(reading: Reading): Read {
  const made: MiddlewareConfig[] = [];
  for (const [at, entry] of items(reading.spec['middlewares']).entries()) {
    const reference = fields(entry);
    const name = text(reference['name']) ?? '';
    if (name.includes('@'))
      return reading.refuse(
        ['middlewares', at, 'name'],
        `"${name}" belongs to a provider that a preview does not have`,
      );
    const namespace = text(reference['namespace']) || reading.source.namespace;
    const target = reading.scope.resolution.byId.get(`${TRAEFIK}/Middleware/${namespace}/${name}`);
    const configs = target === undefined ? undefined : middlewareConfigs(reading.scope, target);
    if (configs === undefined) return undefined;
    made.push(...configs);
  }
  return made;
}
