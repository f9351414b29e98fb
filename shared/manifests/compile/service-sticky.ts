import type { StickyConfig } from '../../gateway/service.ts';
import { fields, flag, integer, isFields, text } from '../field.ts';
import { cookieName } from './service-names.ts';

/** The cookie of a service; `name` is Traefik's name of the service. Nothing when no cookie is asked for. */
export function stickyConfig(sticky: unknown, name: string): StickyConfig | undefined {
  const cookie = fields(sticky)['cookie'];
  if (!isFields(cookie)) return undefined;
  const written = text(cookie['name']) ?? '';
  const sameSite = text(cookie['sameSite']);
  return {
    cookie: written === '' ? cookieName(name) : written.replaceAll(/[^!#$%&'*+\-.^`|~a-zA-Z0-9]/gu, '_'),
    secure: flag(cookie['secure']) ?? false,
    httpOnly: flag(cookie['httpOnly']) ?? false,
    sameSite: sameSite === 'none' || sameSite === 'lax' || sameSite === 'strict' ? sameSite : undefined,
    maxAge: integer(cookie['maxAge']) ?? 0,
    path: text(cookie['path']) ?? '/',
    domain: text(cookie['domain']),
  };
}
