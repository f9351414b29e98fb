import { createServer, type Server } from 'node:http';
import { Provider, type Configuration } from 'oidc-provider';
import { closeServer, listen } from '../../testing/gateway-under-test.ts';

export interface LoginProvider {
  readonly issuer: string;
  readonly server: Server;
  stop(): Promise<void>;
}

const GROUPS: Readonly<Record<string, readonly string[]>> = { ada: ['dev'], bob: ['ops'] };

/** A provider of OpenID Connect where whoever is named is logged in, and everything is granted. */
export async function startLoginProvider(redirectUri: string, secret: string, seconds = 600): Promise<LoginProvider> {
  const server = createServer();
  const issuer = await listen(server);
  const configuration: Configuration = {
    clients: [
      {
        client_id: 'gateway',
        client_secret: secret,
        redirect_uris: [redirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
      },
    ],
    scopes: ['openid', 'offline_access', 'groups'],
    claims: { openid: ['sub'], groups: ['groups'] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    issueRefreshToken: () => true,
    ttl: { AccessToken: seconds, IdToken: seconds, Session: 600, Grant: 600, Interaction: 600, RefreshToken: 600 },
    cookies: { keys: ['for-tests-only'] },
    findAccount: (_context, sub) => ({
      accountId: sub,
      claims: () => ({ sub, groups: [...(GROUPS[sub] ?? [])] }),
    }),
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
  };
  const provider = new Provider(issuer, configuration);
  const callback = provider.callback();
  server.on('request', (request, response) => {
    const url = new URL(request.url ?? '/', issuer);
    if (!url.pathname.startsWith('/interaction/')) {
      void callback(request, response);
      return;
    }
    void (async () => {
      const details = await provider.interactionDetails(request, response);
      const account = typeof details.params['login_hint'] === 'string' ? details.params['login_hint'] : 'ada';
      const grant = new provider.Grant({ accountId: account, clientId: 'gateway' });
      grant.addOIDCScope(String(details.params['scope']));
      const grantId = await grant.save();
      const result = { login: { accountId: account }, consent: { grantId } };
      await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
    })().catch((error: unknown) => response.destroy(error instanceof Error ? error : new Error(String(error))));
  });
  return { issuer, server, stop: () => closeServer(server) };
}
