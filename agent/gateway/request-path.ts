import { byteText } from '../../shared/gateway/byte-text.ts';
import { sentPath } from './middlewares/go-path.ts';

/**
 * Paths as Traefik v3.6 sees them. Its entry points normalise a path (escapes of unreserved characters are decoded, others
 * get capital digits) and then clean it (`//`, `/./`, `/../`); its rules compare the path with all escapes decoded but
 * those of reserved characters (RFC 3986 §2.2) and of `%`, since decoding these would change the structure of the path.
 */
const RESERVED: ReadonlySet<number> = new Set(Buffer.from(":/?#[]@!$&'()*+,;=%"));
const UNRESERVED = /[A-Za-z0-9\-._~]/;
const UNCLEAN = /\/\/|\/\.{1,2}(?:\/|$)/;
/** What Go takes for a well-formed escaped path (`net/url` validEncoded). */
const WELL_ESCAPED = /^[A-Za-z0-9\-._~!$&'()*+,;=:@/[\]%]*$/;

export interface RequestPath {
  /** For rules. */
  readonly routing: string;
  /** For the upstream: escapes kept, but for those of unreserved characters; cleaned. */
  readonly raw: string;
}

/** Undefined when the path is not well-formed (a `%` without two hex digits). `path` begins with `/`. */
export function readRequestPath(path: string): RequestPath | undefined {
  if (!path.includes('%') && WELL_ESCAPED.test(path)) {
    const raw = resolveSegments(path);
    return { routing: raw, raw };
  }
  const normal = normalised(path);
  if (normal === undefined) return undefined;
  const sent = sentPath(normal);
  if (sent === undefined) return undefined;
  const raw = resolveSegments(sent);
  return { routing: routingPath(raw), raw };
}

/** Empty and dot segments are resolved before anything is compared: `/public/../admin` is `/admin` for every rule. */
export function resolveSegments(path: string): string {
  if (!UNCLEAN.test(path)) return path;
  const out: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '' || segment === '.') continue;
    if (segment === '..') out.pop();
    else out.push(segment);
  }
  return `/${out.join('/')}${path.endsWith('/') && out.length > 0 ? '/' : ''}`;
}

/** What rules compare: the decoded path, but reserved characters stay escaped. */
export function routingPath(raw: string): string {
  if (!raw.includes('%')) return raw;
  const bytes: number[] = [];
  for (let at = 0; at < raw.length; at += 1) {
    const code = raw.charCodeAt(at);
    const byte = code === 0x25 ? Number.parseInt(raw.slice(at + 1, at + 3), 16) : code;
    if (code === 0x25 && !RESERVED.has(byte)) {
      bytes.push(byte);
      at += 2;
    } else bytes.push(code);
  }
  return byteText(Uint8Array.from(bytes));
}

function normalised(path: string): string | undefined {
  let bad = false;
  const out = path.replace(/%([0-9a-fA-F]{2})?/g, (escape, hex: string | undefined) => {
    if (hex === undefined) {
      bad = true;
      return escape;
    }
    const char = String.fromCharCode(Number.parseInt(hex, 16));
    return UNRESERVED.test(char) ? char : escape.toUpperCase();
  });
  return bad ? undefined : out;
}
