import { createHash } from 'node:crypto';
import type { ForwardAuthConfig } from '../../gateway/middleware.ts';
import { fields, flag, integer, text, texts } from '../field.ts';
import type { FieldPath } from '../field-path.ts';
import type { ManifestDocument } from '../types.ts';
import type { Reader, Reading } from './middleware-reading.ts';
import { backend } from './backend.ts';
import { secretKeys, secretValue } from './secret-value.ts';

/** Types of Middleware that ask who calls. */
export const authReaders: Readonly<Record<string, Reader>> = {
  basicAuth(reading) {
    const secret = secretOf(reading, ['secret']);
    if (secret === undefined) return undefined;
    const users =
      text(secret.value['type']) === 'kubernetes.io/basic-auth'
        ? ownUser(reading, secret)
        : usersOf(reading, secret, 2);
    return users === undefined
      ? undefined
      : [{ kind: 'basic-auth', source: reading.source, users, ...shared(reading) }];
  },
  digestAuth(reading) {
    const secret = secretOf(reading, ['secret']);
    const users = secret === undefined ? undefined : usersOf(reading, secret, 3);
    return users === undefined
      ? undefined
      : [{ kind: 'digest-auth', source: reading.source, users, ...shared(reading) }];
  },
  forwardAuth,
};

function shared({ spec }: Reading): { realm: string; removeHeader: boolean; headerField: string | undefined } {
  return {
    realm: text(spec['realm']) || 'traefik',
    removeHeader: flag(spec['removeHeader']) === true,
    headerField: text(spec['headerField']) || undefined,
  };
}

function secretOf(reading: Reading, field: FieldPath, ...inside: readonly string[]): ManifestDocument | undefined {
  const name = text(fields(reading.spec, ...inside)[String(field.at(-1))]) ?? '';
  if (name === '') return reading.refuse(field, 'no Secret is named');
  const secret = reading.scope.resolution.byId.get(`/Secret/${reading.source.namespace}/${name}`);
  if (secret !== undefined) return secret;
  return reading.refuse(
    field,
    `Secret "${name}" is not in the workspace`,
    'Add a Secret with credentials for previews.',
  );
}

/** One line a user; `parts` of it are separated by colons, the last is the digest. */
function usersOf(reading: Reading, secret: ManifestDocument, parts: number): Record<string, string> | undefined {
  const keys = secretKeys(secret);
  const where = `Secret "${secret.ref.name}"`;
  if (keys.length !== 1) return reading.refuse(['secret'], `${where} has ${keys.length} keys where there must be one`);
  const lines = (secretValue(secret, keys) ?? '').split('\n').map((line) => line.replace(/\r$/, ''));
  const users: Record<string, string> = {};
  for (const line of lines) {
    if (line === '') continue;
    const split = line.split(':');
    const digest = split.pop() ?? '';
    if (split.length !== parts - 1) {
      const form = parts === 2 ? 'USER:DIGEST' : 'USER:REALM:DIGEST';
      return reading.refuse(['secret'], `${where} has a line that is not ${form}`);
    }
    users[split.join(':')] = digest;
  }
  if (Object.keys(users).length === 0) return reading.refuse(['secret'], `${where} holds no credentials`);
  return users;
}

/** A Secret of the type for one user holds the password itself. */
function ownUser(reading: Reading, secret: ManifestDocument): Record<string, string> | undefined {
  const user = secretValue(secret, ['username']);
  const password = secretValue(secret, ['password']);
  if (user === undefined || password === undefined)
    return reading.refuse(['secret'], `Secret "${secret.ref.name}" lacks username or password`);
  if (user.includes(':')) return reading.refuse(['secret'], `Secret "${secret.ref.name}" has a colon in its username`);
  return { [user]: `{SHA}${createHash('sha1').update(password).digest('base64')}` };
}

function forwardAuth(reading: Reading): readonly ForwardAuthConfig[] | undefined {
  const { spec, source } = reading;
  const address = text(spec['address']) ?? '';
  if (address === '') return reading.refuse(['address'], 'the address to ask is missing');
  const pattern = text(spec['authResponseHeadersRegex']) ?? '';
  if (reading.badPattern(['authResponseHeadersRegex'], pattern)) return undefined;
  const tls = tlsOf(reading);
  if (tls === 'refused') return undefined;
  const max = integer(spec['maxBodySize']) ?? -1;
  const maxResponse = integer(spec['maxResponseBodySize']) ?? -1;
  return [
    {
      kind: 'forward-auth',
      source,
      address,
      service: inCluster(reading, address),
      trustForwardHeader: flag(spec['trustForwardHeader']) === true,
      responseHeaders: texts(spec['authResponseHeaders']),
      responseHeadersPattern: pattern === '' ? undefined : pattern,
      requestHeaders: texts(spec['authRequestHeaders']),
      responseCookies: texts(spec['addAuthCookiesToResponse']),
      forwardBody: flag(spec['forwardBody']) === true,
      maxBodyBytes: max < 0 ? undefined : max,
      maxResponseBytes: maxResponse < 0 ? undefined : maxResponse,
      keepLocation: flag(spec['preserveLocationHeader']) === true,
      keepMethod: flag(spec['preserveRequestMethod']) === true,
      tls,
    },
  ];
}

function tlsOf(reading: Reading): ForwardAuthConfig['tls'] | 'refused' {
  if (!Object.hasOwn(reading.spec, 'tls')) return undefined;
  const spec = fields(reading.spec, 'tls');
  const insecureSkipVerify = flag(spec['insecureSkipVerify']) === true;
  const named = (field: string): ManifestDocument | 'refused' | undefined =>
    text(spec[field]) ? (secretOf(reading, ['tls', field], 'tls') ?? 'refused') : undefined;
  const authority = named('caSecret');
  const client = named('certSecret');
  if (authority === 'refused' || client === 'refused') return 'refused';
  const ca =
    authority === undefined ? undefined : secretValue(authority, ['tls.ca', 'ca.crt', ...secretKeys(authority)]);
  const cert = client === undefined ? undefined : secretValue(client, ['tls.crt']);
  const key = client === undefined ? undefined : secretValue(client, ['tls.key']);
  if (client !== undefined && (cert === undefined || key === undefined)) {
    reading.refuse(['tls', 'certSecret'], `Secret "${client.ref.name}" lacks tls.crt or tls.key`);
    return 'refused';
  }
  return { insecureSkipVerify, ca, cert, key };
}

/** A name of the cluster's own leads to a Service of the workspace, as routes do. */
function inCluster(reading: Reading, address: string): string | undefined {
  if (!URL.canParse(address)) return undefined;
  const { hostname, port, protocol } = new URL(address);
  const [, name, namespace] = /^([a-z0-9-]+)\.([a-z0-9-]+)(?:\.svc(?:\.cluster\.local)?)?$/.exec(hostname) ?? [];
  if (name === undefined || namespace === undefined) return undefined;
  const known = reading.scope.resolution.byId.has(`/Service/${namespace}/${name}`);
  if (!known && !hostname.includes('.svc')) return undefined;
  const made = backend(reading.scope, reading.document, {
    namespace,
    name,
    port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
    weight: 1,
    scheme: protocol === 'https:' ? 'https' : 'http',
    path: reading.at(['address']),
  });
  return made?.service;
}
