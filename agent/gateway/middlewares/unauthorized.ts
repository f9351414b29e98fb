import { noteCaller } from '../auth/caller-note.ts';
import type { OwnAnswer } from '../own-answer.ts';
import type { OutgoingRequest } from './outgoing-request.ts';

/** 401 as Traefik's middlewares for passwords give it. */
export function unauthorized(challenge: string, detail: string): OwnAnswer {
  return {
    status: 401,
    headers: [
      ['Content-Type', 'text/plain'],
      ['WWW-Authenticate', challenge],
    ],
    verdict: 'middleware-refused',
    detail,
    body: Buffer.from('401 Unauthorized\n'),
  };
}

/** Tells the upstream and the recorder who was let in, and keeps the credentials from it, as configured. */
export function tellUser(
  request: OutgoingRequest,
  user: string,
  config: { readonly headerField?: string | undefined; readonly removeHeader: boolean },
): void {
  noteCaller(request, { user });
  if (config.headerField !== undefined) request.headers.set(config.headerField, user);
  if (config.removeHeader) request.headers.remove('Authorization');
}
