import type { GatewayConfig, RouteConfig } from '../../../shared/gateway/config.ts';
import type { Wrap } from '../middlewares/handler.ts';
import type { StatesInMaking } from '../middlewares/middleware-states.ts';
import { PasswordCheck } from '../middlewares/password-check.ts';
import type { RoutePolicy } from '../policy.ts';
import { apiJudge, type ApiChecks } from './api-guard.ts';
import { Directory } from './directory.ts';
import { guarded } from './guard.ts';
import { Introspection } from './introspection.ts';
import { Login } from './oidc/login.ts';
import { policyJudge, type PolicyParts } from './policy-guard.ts';
import { TokenCheck } from './token-check.ts';

/** Who looks at the requests of a route before its middlewares. Undefined: the head of the request decides at once. */
export type RouteGuards = (route: RouteConfig) => Wrap | undefined;

/** What guards remember — keys, answers, connections — is kept for as long as what they are made of stays the same. */
export function routeGuards(
  config: GatewayConfig,
  policyOf: (routeId: string) => RoutePolicy | undefined,
  parts: { readonly clock: () => number; readonly states: StatesInMaking },
): RouteGuards {
  const { clock, states } = parts;
  const checks: ApiChecks & PolicyParts = {
    tokens: ({ keys, client }) =>
      states.of(TokenCheck, `tokens ${JSON.stringify([keys, client])}`, () => new TokenCheck({ keys, client }, clock)),
    directory: (of) => states.of(Directory, `directory ${JSON.stringify(of)}`, () => new Directory(of)),
    passwords: (of) => states.of(PasswordCheck, `passwords ${JSON.stringify(of.users)}`, () => new PasswordCheck()),
    introspection: (of) =>
      states.of(Introspection, `introspection ${JSON.stringify(of)}`, () => new Introspection(of, clock)),
    login: (of) => states.of(Login, `login ${JSON.stringify(of)}`, () => new Login(of, clock)),
  };
  return (route) => {
    const { policies = [] } = route;
    const ofPolicies = policies.map((name) => policyJudge(name, config.policies?.[name], checks));
    const ofApi = policyOf(route.id);
    if (ofApi === undefined || (policies.length === 0 && ofApi.atOnce && ofApi.stable)) return guarded(ofPolicies);
    return guarded([...ofPolicies, apiJudge(ofApi, checks)]);
  };
}
