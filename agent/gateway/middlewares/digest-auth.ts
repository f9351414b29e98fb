import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { DigestAuthConfig } from '../../../shared/gateway/middleware.ts';
import { decodedPath } from './go-path.ts';
import { answerWith, type Wrap } from './handler.ts';
import type { OutgoingRequest } from './outgoing-request.ts';
import { tellUser, unauthorized } from './unauthorized.ts';

const MAX_NONCES = 1000;

/** The nonces that were given out, and how often each was used last. */
export class DigestNonces {
  readonly opaque: string = randomBytes(12).toString('base64');
  readonly #uses = new Map<string, number>();

  give(): string {
    const oldest = this.#uses.keys().next();
    if (this.#uses.size >= MAX_NONCES && oldest.done !== true) this.#uses.delete(oldest.value);
    const nonce = randomBytes(12).toString('base64');
    this.#uses.set(nonce, 0);
    return nonce;
  }

  /** `stale`: a use that was overtaken by a later one. */
  use(nonce: string, count: number): 'good' | 'stale' | 'bad' {
    const last = this.#uses.get(nonce);
    if (last === undefined || (last !== 0 && count === last)) return 'bad';
    if (count < last) return 'stale';
    this.#uses.delete(nonce);
    this.#uses.set(nonce, count);
    return 'good';
  }
}

/** RFC 7616 with MD5 and `qop=auth`, which is what Traefik offers. */
export function digestAuth(config: DigestAuthConfig, nonces: DigestNonces): Wrap {
  const users = new Map(Object.entries(config.users));
  return (next) => (call, sink) => {
    const { request } = call;
    const verdict = judge(request, config.realm, users, nonces);
    if (typeof verdict === 'object') {
      tellUser(request, verdict.user, config);
      next(call, sink);
      return;
    }
    const stale = verdict === 'stale' ? 'stale="true", ' : '';
    const challenge = `Digest realm="${config.realm}", nonce="${nonces.give()}", opaque="${nonces.opaque}", ${stale}algorithm="MD5", qop="auth"`;
    answerWith(sink, unauthorized(challenge, 'The request carries no right digest of a password.'));
  };
}

function judge(
  request: OutgoingRequest,
  realm: string,
  users: ReadonlyMap<string, string>,
  nonces: DigestNonces,
): { user: string } | 'stale' | 'bad' {
  const [, list] = /^Digest (.*)$/s.exec(request.header('authorization') ?? '') ?? [];
  if (list === undefined) return 'bad';
  const given = pairs(list);
  const value = (name: string): string => given.get(name) ?? '';
  const user = value('username');
  const secret = users.get(`${user}:${realm}`);
  const algorithm = given.get('algorithm') ?? 'MD5';
  if (secret === undefined || value('opaque') !== nonces.opaque || algorithm !== 'MD5' || value('qop') !== 'auth')
    return 'bad';
  const uri = value('uri');
  if (uri !== request.uri && !request.path.startsWith(decodedPath(uri.split('?', 1)[0] ?? ''))) return 'bad';
  const way = md5(`${request.method}:${uri}`);
  const right = md5([secret, value('nonce'), value('nc'), value('cnonce'), 'auth', way].join(':'));
  const response = Buffer.from(value('response'));
  if (response.length !== right.length || !timingSafeEqual(response, Buffer.from(right))) return 'bad';
  if (!/^[0-9a-fA-F]{1,13}$/.test(value('nc'))) return 'bad';
  const use = nonces.use(value('nonce'), Number.parseInt(value('nc'), 16));
  return use === 'good' && user !== '' ? { user } : use === 'stale' ? 'stale' : 'bad';
}

function pairs(list: string): Map<string, string> {
  const found = new Map<string, string>();
  // A name without a value is taken whole, for to look for its `=` from each of its characters takes time by the square.
  for (const match of list.matchAll(/([^\s=,]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^,]*)))?/g)) {
    const [, name = '', quoted, bare] = match;
    const value = quoted?.replaceAll(/\\(.)/gs, '$1') ?? bare?.trim();
    if (value !== undefined) found.set(name, value);
  }
  return found;
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}
