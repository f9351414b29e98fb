const encoder = new TextEncoder();

/**
 * The path without the prefix, escapes kept; undefined when the decoded path does not begin with it. As Traefik does,
 * the prefix is a plain string, and what is left gets a leading slash.
 */
export function stripPrefix(rawPath: string, prefix: string): string | undefined {
  const wanted = encoder.encode(prefix);
  let at = 0;
  for (const byte of wanted) {
    if (at >= rawPath.length) return undefined;
    const escaped = rawPath.charCodeAt(at) === 0x25;
    const seen = escaped ? Number.parseInt(rawPath.slice(at + 1, at + 3), 16) : rawPath.charCodeAt(at);
    if (seen !== byte) return undefined;
    at += escaped ? 3 : 1;
  }
  const rest = rawPath.slice(at);
  return rest.startsWith('/') ? rest : `/${rest}`;
}
