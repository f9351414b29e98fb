import type { TokenConfig } from '../../../shared/gateway/auth.ts';
import type { Claims } from '../../../shared/gateway/claim-path.ts';
import { presentedCredential } from '../api-keys.ts';
import type { OutgoingRequest } from '../middlewares/outgoing-request.ts';
import { problemAnswer, type OwnAnswer } from '../own-answer.ts';
import type { RequestView } from '../request-view.ts';
import { forwardClaims } from './forward-claims.ts';
import type { TokenCheck } from './token-check.ts';

const TOKEN_HINT = 'Send a valid token: Authorization: Bearer TOKEN.';

/** The claims of the token that the request carries; an answer when there is none that is right. */
export async function judgeToken(
  config: TokenConfig,
  tokens: TokenCheck,
  view: RequestView,
  what: string,
): Promise<{ readonly claims: Claims } | OwnAnswer> {
  const token = presentedCredential({ header: 'authorization', scheme: 'Bearer', query: config.queryKey }, view);
  if (token === undefined) return unauthorizedToken(`The request to ${what} carries no token.`, false);
  const claims = await tokens.check(token);
  return typeof claims === 'string'
    ? unauthorizedToken(`The token for ${what} is refused: ${claims}.`, true)
    : { claims };
}

/** RFC 6750 §3. */
export function unauthorizedToken(detail: string, invalid: boolean): OwnAnswer {
  const challenge = invalid ? 'Bearer error="invalid_token"' : 'Bearer';
  return problemAnswer('unauthorized', detail, { headers: [['WWW-Authenticate', challenge]], hint: TOKEN_HINT });
}

/** What the upstream gets of a token that was right; an answer when that is not possible. */
export function tellOfToken(
  request: OutgoingRequest,
  config: { readonly forwardHeaders: Readonly<Record<string, string>>; readonly stripAuthorization?: boolean },
  claims: Claims,
): OwnAnswer | undefined {
  const unfit = forwardClaims(request, config.forwardHeaders, claims);
  if (unfit !== undefined)
    return problemAnswer('claim-unfit', `The claim for header ${unfit} has characters that no header can carry.`);
  if (config.stripAuthorization === true) request.headers.remove('Authorization');
  return undefined;
}
