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

/** Chains within chains go no deeper. */
const MAX_DEPTH = 64;
/** Chains that name a chain twice, again and again, grow without end. */
const MAX_IN_CHAIN = 256;

interface Known {
  readonly made: Map<ManifestDocument, Read>;
  /** Those that are being read, each named by the one before. */
  readonly open: Set<ManifestDocument>;
}

const known = new WeakMap<Scope, Known>();

/**
 * What the gateway applies for a Middleware object, chains laid out flat; undefined when Traefik makes no middleware of
 * it, and so serves no route that names it. What is wrong is said once, however many routes name it.
 */
export function middlewareConfigs(scope: Scope, document: ManifestDocument): Read {
  let ofScope = known.get(scope);
  if (ofScope === undefined) known.set(scope, (ofScope = { made: new Map(), open: new Set() }));
  const { made, open } = ofScope;
  if (made.has(document)) return made.get(document);
  // A circle: it is told where references are resolved.
  if (open.has(document)) return undefined;
  if (open.size > MAX_DEPTH) {
    const message = `chains within chains are deeper than ${MAX_DEPTH}: routes that name this Middleware are not served`;
    say(scope, document, 'middleware-invalid', ['spec'], message);
    return undefined;
  }
  open.add(document);
  const configs = readMiddleware(scope, document);
  open.delete(document);
  made.set(document, configs);
  return configs;
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
    if (made.length > MAX_IN_CHAIN)
      return reading.refuse(['middlewares', at, 'name'], `the chain comes to more than ${MAX_IN_CHAIN} middlewares`);
  }
  return made;
}
