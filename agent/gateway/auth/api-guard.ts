import type { ApiJwtConfig, LdapConfig } from '../../../shared/gateway/auth.ts';
import { claimText, namedClaim } from '../../../shared/gateway/claim-path.ts';
import { problemAnswer } from '../own-answer.ts';
import type { OutgoingRequest } from '../middlewares/outgoing-request.ts';
import { settledPlan } from '../plans/settled-plan.ts';
import { decided, type RoutePolicy, type Ruling } from '../policy.ts';
import { readBasic, unauthorizedBasic } from './basic-credentials.ts';
import { noteCaller } from './caller-note.ts';
import { PASSED, type Judge, type Judgement } from './guard.ts';
import type { Directory } from './directory.ts';
import { judgeToken, tellOfToken } from './token-judge.ts';
import type { TokenCheck } from './token-check.ts';

export interface ApiChecks {
  tokens(config: ApiJwtConfig): TokenCheck;
  directory(config: LdapConfig): Directory;
}

/** Who calls a managed API, and whether he may, where the policy cannot decide by the head of the request at once. */
export function apiJudge(policy: RoutePolicy, checks: ApiChecks): Judge {
  const auth = policy.api?.auth;
  if (auth?.kind === 'jwt') return tokenJudge(auth, policy, checks.tokens(auth));
  if (auth?.kind === 'ldap') return directoryJudge(auth, policy, checks.directory(auth));
  return async (request, view, signal) => {
    await policy.waiting;
    return judgementOf(policy.rule(view), request, signal);
  };
}

function tokenJudge(auth: ApiJwtConfig, policy: RoutePolicy, tokens: TokenCheck): Judge {
  return async (request, view, signal) => {
    const judged = await judgeToken(auth, tokens, view, `API ${policy.id}`);
    if (!('claims' in judged)) return judged;
    const { claims } = judged;
    const appId = claimText(namedClaim(claims, auth.appIdClaim));
    if (appId === undefined || appId === '')
      return problemAnswer(
        'forbidden',
        `The token for API ${policy.id} names no application (claim ${auth.appIdClaim}).`,
      );
    const { tokenNameClaim } = auth;
    if (tokenNameClaim !== undefined) noteCaller(request, { token: claimText(namedClaim(claims, tokenNameClaim)) });
    const caller = { application: policy.applicationNamed(appId), claims };
    await policy.waiting;
    return tellOfToken(request, auth, claims) ?? judgementOf(policy.authorise(caller, view), request, signal);
  };
}

function directoryJudge(auth: LdapConfig, policy: RoutePolicy, directory: Directory): Judge {
  return async (request, view, signal) => {
    const given = readBasic(view.header('authorization') ?? '');
    const realm = `${auth.source.namespace}/${auth.source.name}`;
    if (given === undefined)
      return unauthorizedBasic(realm, `The request to API ${policy.id} carries no name and password.`);
    const refusal = await directory.check(given.user, given.password, signal);
    if (refusal !== undefined) return unauthorizedBasic(realm, `The user of API ${policy.id} is refused: ${refusal}.`);
    const caller = { application: policy.applicationNamed(given.user) };
    await policy.waiting;
    return judgementOf(policy.authorise(caller, view), request, signal);
  };
}

async function judgementOf(ruling: Ruling, request: OutgoingRequest, signal: AbortSignal): Promise<Judgement> {
  const settled = await settledPlan(decided(ruling), signal);
  const { application, plan, headers } = settled;
  noteCaller(request, { application, plan, decision: settled });
  if (settled.allowed) return PASSED;
  const { code, detail, empty } = settled;
  return problemAnswer(code, detail, { headers, empty });
}
