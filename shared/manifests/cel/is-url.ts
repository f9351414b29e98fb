/**
 * Kubernetes' `isURL`: what Go's `url.ParseRequestURI` takes, that is an absolute URI or an absolute path. Fragments
 * are not cut off there, so that `#` is a character like others.
 */
export function isUrl(text: string): boolean {
  if (text === '' || text.length > 8_192 || hasControl(text)) return false;
  if (text === '*') return true;
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(text);
  if (scheme === null)
    return text.startsWith('/') && !text.startsWith('//')
      ? goodEscapes(text)
      : text.startsWith('//') && goodAuthority(text.slice(2));
  const rest = text.slice(scheme[0].length);
  // Without a slash the rest is opaque (`mailto:a@b`), which Go accepts as it is.
  if (!rest.startsWith('/')) return true;
  if (!rest.startsWith('//')) return goodEscapes(rest);
  return goodAuthority(rest.slice(2));
}

function goodAuthority(rest: string): boolean {
  const end = rest.search(/[/?]/);
  const authority = end < 0 ? rest : rest.slice(0, end);
  const tail = end < 0 ? '' : rest.slice(end);
  const at = authority.lastIndexOf('@');
  const host = at < 0 ? authority : authority.slice(at + 1);
  if (at >= 0 && !/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(authority.slice(0, at))) return false;
  const literal = /^\[[0-9a-fA-F:.]+(%25[^\]]*)?\](:\d*)?$/.test(host);
  const named = /^[^\s[\]^`{|}\\#]*?(:\d*)?$/.test(host) && !/:.*:/.test(host) && /^[^:]*(:\d*)?$/.test(host);
  return (literal || named) && goodEscapes(host.replace(/%25.*\]/, ']')) && goodEscapes(tail.split('?', 1)[0] ?? '');
}

function goodEscapes(text: string): boolean {
  return !/%(?![0-9a-fA-F]{2})/.test(text.split('?', 1)[0] ?? '');
}

function hasControl(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code < 0x20 || code === 0x7f) return true;
  }
  return false;
}
