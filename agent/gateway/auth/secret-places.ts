import type { CredentialSource } from '../../../shared/gateway/auth.ts';
import type { GatewayConfig } from '../../../shared/gateway/config.ts';
import { keySources } from '../api-keys.ts';

/** Where requests carry credentials, for whoever records them: headers in lower case, and names in queries. */
export function secretPlaces(config: GatewayConfig): { headers: ReadonlySet<string>; query: ReadonlySet<string> } {
  const headers = new Set<string>();
  const query = new Set<string>();
  const add = (source: CredentialSource): void => {
    if (source.header !== undefined) headers.add(source.header.toLowerCase());
    if (source.query !== undefined) query.add(source.query);
  };
  for (const { auth } of Object.values(config.apis)) {
    if (auth.kind === 'api-key') add(keySources(auth));
    else if (auth.kind === 'jwt') add({ query: auth.queryKey });
  }
  for (const policy of Object.values(config.policies ?? {})) {
    if (policy.kind === 'jwt') add({ query: policy.queryKey });
    else if (policy.kind === 'api-key' || policy.kind === 'introspection') add(policy.from);
    // What a login brings back.
    else if (policy.kind === 'oidc') query.add('code');
  }
  return { headers, query };
}
