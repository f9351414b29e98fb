import type { BasicAuthConfig } from '../../../shared/gateway/middleware.ts';
import { answerWith, type Wrap } from './handler.ts';
import type { PasswordCheck } from './password-check.ts';
import { tellUser, unauthorized } from './unauthorized.ts';

export function basicAuth(config: BasicAuthConfig, passwords: PasswordCheck): Wrap {
  const users = new Map(Object.entries(config.users));
  // Unknown users cost as much time as known ones.
  const [anyDigest = ''] = users.values();
  const challenge = `Basic realm="${config.realm}"`;
  return (next) => (call, sink) => {
    const { request } = call;
    const given = credentials(request.header('authorization') ?? '');
    if (given === undefined) {
      answerWith(sink, unauthorized(challenge, 'The request carries no name and password.'));
      return;
    }
    const digest = users.get(given.user);
    passwords.check(given.password, digest ?? anyDigest, (verdict) => {
      if (call.over) return;
      if (typeof verdict === 'object') {
        answerWith(sink, verdict);
        return;
      }
      if (!verdict || digest === undefined) {
        answerWith(sink, unauthorized(challenge, `The password of user ${JSON.stringify(given.user)} is not right.`));
        return;
      }
      tellUser(request, given.user, config);
      next(call, sink);
    });
  };
}

/** RFC 7617; undefined when the header does not hold any. */
function credentials(header: string): { user: string; password: string } | undefined {
  const [, encoded] = /^basic (.*)$/i.exec(header) ?? [];
  if (encoded === undefined || !/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(encoded))
    return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}
