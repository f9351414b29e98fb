/** A `Set-Cookie` as Go reads it and writes it again; undefined when it is none. */
export function readSetCookie(line: string): { readonly name: string; readonly text: string } | undefined {
  const [first = '', ...attributes] = line.split(';').map((part) => part.trim());
  const equals = first.indexOf('=');
  const name = first.slice(0, Math.max(0, equals)).trim();
  if (!/^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/.test(name)) return undefined;
  const value = first.slice(equals + 1);
  const quoted = value.length > 1 && value.startsWith('"') && value.endsWith('"');
  const bare = quoted ? value.slice(1, -1) : value;
  if (!/^[\u0020-\u007e]*$/.test(bare) || /["\\]/.test(bare)) return undefined;
  const found = new Map<string, string>();
  for (const attribute of attributes) {
    const at = attribute.indexOf('=');
    const key = (at < 0 ? attribute : attribute.slice(0, at)).toLowerCase();
    if (key !== '') found.set(key, at < 0 ? '' : attribute.slice(at + 1));
  }
  const needsQuotes = quoted || /[ ,]/.test(bare);
  let text = `${name}=${needsQuotes ? `"${bare}"` : bare}`;
  const path = found.get('path') ?? '';
  if (path !== '') text += `; Path=${path}`;
  const domain = found.get('domain') ?? '';
  if (domain !== '') text += `; Domain=${domain.replace(/^\./, '')}`;
  const expires = new Date(found.get('expires') ?? '');
  if (!Number.isNaN(expires.getTime())) text += `; Expires=${expires.toUTCString()}`;
  const maxAge = found.get('max-age') ?? '';
  if (/^-?\d{1,15}$/.test(maxAge) && !/^0\d/.test(maxAge)) text += `; Max-Age=${Math.max(0, Number(maxAge))}`;
  if (found.has('httponly')) text += '; HttpOnly';
  if (found.has('secure')) text += '; Secure';
  const sameSite = { lax: 'Lax', strict: 'Strict', none: 'None' }[(found.get('samesite') ?? '').toLowerCase()];
  if (sameSite !== undefined) text += `; SameSite=${sameSite}`;
  if (found.has('partitioned')) text += '; Partitioned';
  return { name, text };
}
