import type { AccessPolicyConfig, IntrospectionConfig } from '../../../shared/gateway/auth.ts';
import { claimText } from '../../../shared/gateway/claim-path.ts';
import { presentedCredential } from '../api-keys.ts';
import type { PasswordCheck } from '../middlewares/password-check.ts';
import { problemAnswer, type OwnAnswer } from '../own-answer.ts';
import { claimCheck } from '../policy.ts';
import { readBasic, unauthorizedBasic } from './basic-credentials.ts';
import { noteCaller } from './caller-note.ts';
import { PASSED, type Judge } from './guard.ts';
import type { Introspection } from './introspection.ts';
import { keyPolicy } from './key-policy.ts';
import type { Login } from './oidc/login.ts';
import type { TokenCheck } from './token-check.ts';
import { judgeToken, tellOfToken, unauthorizedToken } from './token-judge.ts';

type Of<Kind extends AccessPolicyConfig['kind']> = Extract<AccessPolicyConfig, { kind: Kind }>;

/** What a policy remembers while configurations come and go. */
export interface PolicyParts {
  tokens(config: Of<'jwt'>): TokenCheck;
  passwords(config: Of<'basic-auth'>): PasswordCheck;
  introspection(config: IntrospectionConfig): Introspection;
  login(config: Of<'oidc'>): Login;
}

/** Enforces an AccessControlPolicy; undefined, when a route names one that is not there, lets nobody in either. */
export function policyJudge(name: string, config: AccessPolicyConfig | undefined, parts: PolicyParts): Judge {
  switch (config?.kind) {
    case 'jwt':
      return tokenPolicy(config, parts.tokens(config));
    case 'basic-auth':
      return passwordPolicy(config, parts.passwords(config));
    case 'api-key':
      return keyPolicy(config);
    case 'introspection':
      return introspectionPolicy(config, parts.introspection(config));
    case 'oidc': {
      const login = parts.login(config);
      return (request, view, signal) => login.judge(request, view, signal);
    }
    case 'unsupported':
      return () =>
        problemAnswer('auth-unsupported', `AccessControlPolicy ${name} uses ${config.method} as it cannot be served.`);
    case undefined:
      return () => problemAnswer('auth-unsupported', `AccessControlPolicy ${name} is not there.`);
  }
}

function tokenPolicy(config: Of<'jwt'>, tokens: TokenCheck): Judge {
  const holds = claimCheck(config.claims);
  return async (request, view) => {
    const judged = await judgeToken(config, tokens, view, `policy ${config.source.name}`);
    if (!('claims' in judged)) return judged;
    if (holds?.(judged.claims) === false) return claimsRefused(config.source.name);
    noteCaller(request, { user: claimText(judged.claims['sub']) });
    return tellOfToken(request, config, judged.claims) ?? PASSED;
  };
}

function passwordPolicy(config: Of<'basic-auth'>, passwords: PasswordCheck): Judge {
  const users = new Map(Object.entries(config.users));
  // Unknown users cost as much time as known ones.
  const [anyDigest = ''] = users.values();
  const refused = unauthorizedBasic(config.realm, `Policy ${config.source.name} asks for a name and a password.`);
  return (request, view) => {
    const given = readBasic(view.header('authorization') ?? '');
    if (config.userHeader !== undefined) request.headers.remove(config.userHeader);
    if (given === undefined) return refused;
    const digest = users.get(given.user);
    return new Promise((resolve) => {
      passwords.check(given.password, digest ?? anyDigest, (verdict) => {
        if (verdict !== true || digest === undefined) {
          resolve(typeof verdict === 'object' ? verdict : refused);
          return;
        }
        noteCaller(request, { user: given.user });
        if (config.userHeader !== undefined)
          request.headers.set(config.userHeader, Buffer.from(given.user).toString('latin1'));
        if (config.stripAuthorization) request.headers.remove('Authorization');
        resolve(PASSED);
      });
    });
  };
}

function introspectionPolicy(config: IntrospectionConfig, introspection: Introspection): Judge {
  const holds = claimCheck(config.claims);
  const from = { ...config.from, header: config.from.header?.toLowerCase() };
  const policy = `policy ${config.source.name}`;
  return async (request, view) => {
    const token = presentedCredential(from, view);
    if (token === undefined) return unauthorizedToken(`The request under ${policy} carries no token.`, false);
    const claims = await introspection.claims(token);
    if (claims === undefined) return unauthorizedToken(`The token under ${policy} is not active.`, true);
    if (holds?.(claims) === false) return claimsRefused(config.source.name);
    noteCaller(request, { user: claimText(claims['sub']) });
    return tellOfToken(request, config, claims) ?? PASSED;
  };
}

export function claimsRefused(policy: string): OwnAnswer {
  return problemAnswer('forbidden', `The claims are not what policy ${policy} asks for.`, {
    hint: 'Compare the claims of the credential with the expression under `claims`.',
  });
}
