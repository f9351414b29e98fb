import { at, badPattern, clientIp, onlyAscii, type Argument, type Known, type Made, type Problem } from './call.ts';

/** The matchers of Traefik v3, as its documentation and its muxer have them. */
export const matchersV3: Readonly<Record<string, Known>> = {
  Host: one((arg) => onlyAscii(arg, 'Host') ?? { kind: 'host', host: arg.text.toLowerCase() }),
  HostRegexp: one(
    (arg) => onlyAscii(arg, 'HostRegexp') ?? badPattern(arg) ?? { kind: 'host-regexp', pattern: arg.text },
  ),
  Path: one((arg) => noSlash(arg) ?? { kind: 'path', path: arg.text }),
  PathPrefix: one((arg) => noSlash(arg) ?? { kind: 'path-prefix', prefix: arg.text }),
  PathRegexp: one((arg) => badPattern(arg) ?? { kind: 'path-regexp', pattern: arg.text }),
  Method: one((arg) => ({ kind: 'method', method: arg.text.toUpperCase() })),
  Header: two((name, value) => ({ kind: 'header', name: name.text, value: value.text })),
  HeaderRegexp: two(
    (name, value) => badPattern(value) ?? { kind: 'header-regexp', name: name.text, pattern: value.text },
  ),
  Query: oneOrTwo((name, value) => ({ kind: 'query', name: name.text, value: value.text })),
  QueryRegexp: oneOrTwo(
    (name, value) => badPattern(value) ?? { kind: 'query-regexp', name: name.text, pattern: value.text },
  ),
  ClientIP: one(clientIp),
};

const NOWHERE: Argument = { text: '', start: 0, end: 0 };

function one(make: (arg: Argument) => Made): Known {
  return { counts: [1], make: ([arg = NOWHERE]) => make(arg) };
}

function two(make: (name: Argument, value: Argument) => Made): Known {
  return { counts: [2], make: ([name = NOWHERE, value = NOWHERE]) => make(name, value) };
}

/** With the name alone both take a parameter that has an empty value. */
function oneOrTwo(make: (name: Argument, value: Argument) => Made): Known {
  return {
    counts: [1, 2],
    make: ([name = NOWHERE, value]) => (value === undefined ? { kind: 'query', name: name.text } : make(name, value)),
  };
}

function noSlash(arg: Argument): Problem | undefined {
  return arg.text.startsWith('/') ? undefined : at(arg, `path "${arg.text}" does not start with a '/'`);
}
