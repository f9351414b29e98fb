/** The interface's origin in the desktop shell: a scheme of our own, so that no web page can have it. */
export const PAGE_SCHEME = 'app';
export const PAGE_HOST = 'adit';
export const PAGE_URL = `${PAGE_SCHEME}://${PAGE_HOST}/`;

/** Whether an address is a page of ours. A URL that only contains our origin (in its query, user or host) is not. */
export function isOwnPage(url: string): boolean {
  const parsed = URL.parse(url);
  return (
    parsed !== null &&
    parsed.protocol === `${PAGE_SCHEME}:` &&
    parsed.host === PAGE_HOST &&
    parsed.username === '' &&
    parsed.password === ''
  );
}

/** The address to give to the user's browser: http and https only, without credentials; undefined: none of that. */
export function externalUrl(url: string): string | undefined {
  const parsed = URL.parse(url);
  if (parsed === null || (parsed.protocol !== 'https:' && parsed.protocol !== 'http:')) return undefined;
  if (parsed.username !== '' || parsed.password !== '') return undefined;
  return parsed.href;
}

/** What to do with a navigation of the window: it never leaves our page. */
export function navigation(
  url: string,
): { readonly kind: 'stay' } | { readonly kind: 'browser'; readonly url: string } | { readonly kind: 'refuse' } {
  if (isOwnPage(url)) return { kind: 'stay' };
  const external = externalUrl(url);
  return external === undefined ? { kind: 'refuse' } : { kind: 'browser', url: external };
}

/** A call counts only from the top frame of our page: not from a frame inside it, nor from one that has gone. */
export function isTrustedSender(frame: { readonly url: string; readonly parent: unknown } | null): boolean {
  return frame !== null && frame.parent === null && isOwnPage(frame.url);
}

/** The one permission that the interface uses: writing text to the clipboard when a person presses “copy”. */
export function allowsPermission(permission: string, requester: string): boolean {
  return permission === 'clipboard-sanitized-write' && isOwnPage(requester);
}
