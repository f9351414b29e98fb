import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** Unused links at one time; the oldest is dropped beyond it. */
const MAX_LINKS = 8;
const MAX_SESSIONS = 32;

/** Who may use the web shell: one-time tokens, each exchanged once for a session that lives as long as the process. */
export interface Sessions {
  readonly cookieName: string;
  issueToken(): string;
  /** The `Set-Cookie` value of a new session; undefined when the token is wrong or was used. */
  exchange(token: string): string | undefined;
  isOpen(cookieHeader: string | undefined): boolean;
}

/** `port` is part of the cookie's name: cookies are not kept apart by port, and two shells may run. */
export function createSessions(port: number): Sessions {
  const cookieName = `adit-session-${port}`;
  // Only digests are kept and compared, in constant time.
  const tokens: Buffer[] = [];
  const sessions: Buffer[] = [];
  return {
    cookieName,
    issueToken: () => {
      const token = randomBytes(32).toString('base64url');
      tokens.push(digest(token));
      if (tokens.length > MAX_LINKS) tokens.shift();
      return token;
    },
    exchange: (token) => {
      const index = find(tokens, token);
      if (index < 0) return undefined;
      tokens.splice(index, 1);
      const session = randomBytes(32).toString('base64url');
      sessions.push(digest(session));
      if (sessions.length > MAX_SESSIONS) sessions.shift();
      return `${cookieName}=${session}; Path=/; HttpOnly; SameSite=Strict`;
    },
    isOpen: (cookieHeader) => {
      const values = (cookieHeader ?? '').split(';').map((part) => part.trim().split('='));
      return values.some(([name, value]) => name === cookieName && value !== undefined && find(sessions, value) >= 0);
    },
  };
}

function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

function find(digests: readonly Buffer[], secret: string): number {
  const wanted = digest(secret);
  let found = -1;
  for (const [index, candidate] of digests.entries()) if (timingSafeEqual(candidate, wanted)) found = index;
  return found;
}
