import { decodeJwt, errors } from 'jose';

/** The agent that a token names, unverified; undefined when it is not a JWT. A session never changes its agent. */
export function tokenSubject(token: string): string | undefined {
  try {
    return decodeJwt(token).sub;
  } catch (error) {
    if (error instanceof errors.JWTInvalid) return undefined;
    throw error;
  }
}
