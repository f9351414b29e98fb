/**
 * Paths as Traefik v3 sees them: rules compare a path whose percent-escapes are decoded, except those that stand for a
 * reserved character (RFC 3986 §2.2) or for `%`, since decoding these would change the structure of the path.
 */
const RESERVED = new Set(Buffer.from(":/?#[]@!$&'()*+,;=%"));
const DOTS = /\/\/|\/\.{1,2}(?:\/|$)/;

export interface RequestPath {
  /** For rules. */
  readonly routing: string;
  /** For the upstream: escapes kept, but for those of unreserved characters; empty and dot segments resolved. */
  readonly raw: string;
}

/** Undefined when the path is not well-formed (a `%` without two hex digits). `path` begins with `/`. */
export function readRequestPath(path: string): RequestPath | undefined {
  if (!path.includes('%')) {
    const raw = resolveSegments(path);
    return { routing: raw, raw };
  }
  const normal = decodeUnreserved(path);
  if (normal === undefined) return undefined;
  const raw = resolveSegments(normal);
  return { routing: routingPath(raw), raw };
}

/** Empty and dot segments are resolved before anything is compared: `/public/../admin` is `/admin` for every rule. */
export function resolveSegments(path: string): string {
  if (!DOTS.test(path)) return path;
  const out: string[] = [];
  const segments = path.split('/');
  for (const segment of segments) {
    if (segment === '' || segment === '.') continue;
    if (segment === '..') out.pop();
    else out.push(segment);
  }
  const last = segments.at(-1);
  const folder = last === '' || last === '.' || last === '..';
  return `/${out.join('/')}${folder && out.length > 0 ? '/' : ''}`;
}

function decodeUnreserved(path: string): string | undefined {
  let bad = false;
  const out = path.replace(/%([0-9a-fA-F]{2})?/g, (escape, hex: string | undefined) => {
    if (hex === undefined) {
      bad = true;
      return escape;
    }
    const char = String.fromCharCode(Number.parseInt(hex, 16));
    return /[A-Za-z0-9\-._~]/.test(char) ? char : escape.toUpperCase();
  });
  return bad ? undefined : out;
}

/** Runs of escapes are decoded together, as UTF-8; a run that is not UTF-8 stays escaped. */
function routingPath(raw: string): string {
  return raw.replace(/(?:%[0-9A-F]{2})+/g, (run) => {
    let out = '';
    let pending: number[] = [];
    const flush = (): void => {
      if (pending.length === 0) return;
      out += decodeUtf8(pending);
      pending = [];
    };
    for (let i = 0; i < run.length; i += 3) {
      const byte = Number.parseInt(run.slice(i + 1, i + 3), 16);
      if (RESERVED.has(byte)) {
        flush();
        out += run.slice(i, i + 3);
      } else {
        pending.push(byte);
      }
    }
    flush();
    return out;
  });
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeUtf8(bytes: readonly number[]): string {
  try {
    return utf8.decode(Uint8Array.from(bytes));
  } catch {
    // Not UTF-8: no rule can name it, so it is compared as it was sent.
    return bytes.map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
  }
}
