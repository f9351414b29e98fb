import type { HeaderList, HeaderPair } from '../../../shared/http1/header-list.ts';

/** Adds cookies before those of the upstream, where Traefik has them. */
export function putCookiesFirst(headers: HeaderList, cookies: readonly string[]): void {
  if (cookies.length === 0) return;
  const all = [...cookies, ...headers.getAll('set-cookie')];
  headers.remove('Set-Cookie');
  headers.appendAll(all.map((cookie): HeaderPair => ['Set-Cookie', cookie]));
}
