import type { TokenEndpointResponse, TokenEndpointResponseHelpers } from 'openid-client';
import type { OidcConfig } from '../../../../shared/gateway/auth.ts';
import { claimText } from '../../../../shared/gateway/claim-path.ts';
import type { ClaimCheck } from '../../../../shared/gateway/claim-expression.ts';
import type { HeaderPair } from '../../../../shared/http1/header-list.ts';
import { AgentError } from '../../../errors.ts';
import type { OutgoingRequest } from '../../middlewares/outgoing-request.ts';
import { emptyAnswer, problemAnswer, type OwnAnswer } from '../../own-answer.ts';
import { claimCheck } from '../../policy.ts';
import type { RequestView } from '../../request-view.ts';
import { noteCaller } from '../caller-note.ts';
import type { Judgement } from '../guard.ts';
import { tellOfToken } from '../token-judge.ts';
import { Provider } from './provider.ts';
import { cookiesOf, hideCookies, type Pending, type Session } from './session.ts';

const LOGIN_SECONDS = 600;
const MAX_BACK = 1_024;
const NO_STORE: HeaderPair = ['Cache-Control', 'no-store'];

/** Lets visitors in who logged in with a provider of OpenID Connect, and sends others there. */
export class Login {
  readonly #config: OidcConfig;
  readonly #provider: Provider;
  readonly #holds: ClaimCheck | undefined;
  readonly #cookies: ReturnType<typeof cookiesOf>;
  readonly #callback: string;
  readonly #logout: string | undefined;

  constructor(config: OidcConfig, clock: () => number) {
    this.#config = config;
    this.#provider = new Provider(config, clock);
    this.#holds = claimCheck(config.claims);
    this.#cookies = cookiesOf(config);
    this.#callback = pathOf(config.redirectUrl);
    this.#logout = config.logoutUrl === undefined ? undefined : pathOf(config.logoutUrl);
  }

  async judge(request: OutgoingRequest, view: RequestView, _signal: AbortSignal): Promise<Judgement> {
    if (view.path === this.#callback) return await this.#complete(request, view);
    if (view.path === this.#logout) return await this.#leave(request);
    const session = this.#cookies.session.read(view);
    if (session === undefined) return await this.#begin(request, view);
    if (session.until > seconds()) return this.#letIn(request, session, []);
    const renewed = await this.#renew(session);
    if (renewed === undefined) return await this.#begin(request, view);
    return this.#letIn(request, renewed, [this.#cookies.session.write(renewed, request.secure)]);
  }

  #letIn(request: OutgoingRequest, { claims }: Session, cookies: readonly string[]): Judgement {
    const { source } = this.#config;
    if (this.#holds?.(claims) === false)
      return problemAnswer('forbidden', `The claims of the visitor are not what policy ${source.name} asks for.`, {
        hint: 'Log in as somebody else, or compare the claims with the expression under `claims`.',
      });
    hideCookies(request, [this.#cookies.session.name, this.#cookies.pending.name]);
    noteCaller(request, { user: claimText(claims['sub']) });
    return tellOfToken(request, this.#config, claims) ?? { passed: true, cookies };
  }

  /** Sends the visitor to the provider. */
  async #begin(request: OutgoingRequest, view: RequestView): Promise<OwnAnswer> {
    const { noRedirectPaths, scopes, authParams, source } = this.#config;
    if (noRedirectPaths.some((path) => view.path === path || view.path.startsWith(path.endsWith('/') ? path : `${path}/`)))
      return problemAnswer('unauthorized', `Policy ${source.name} asks for a login, to which ${view.path} does not lead.`, {
        hint: 'Log in on another path first.',
      });
    return await this.#provider.use(async (library, provider) => {
      const wanted = request.uri;
      const pending: Pending = {
        state: library.randomState(),
        nonce: library.randomNonce(),
        verifier: library.randomPKCECodeVerifier(),
        back: wanted.length > MAX_BACK || wanted.startsWith('//') ? '/' : wanted,
        until: seconds() + LOGIN_SECONDS,
      };
      const url = library.buildAuthorizationUrl(provider, {
        ...authParams,
        redirect_uri: this.#redirectUri(request),
        scope: scopes.join(' '),
        state: pending.state,
        nonce: pending.nonce,
        code_challenge: await library.calculatePKCECodeChallenge(pending.verifier),
        code_challenge_method: 'S256',
      });
      return redirect(url.href, [this.#cookies.pending.write(pending, request.secure)]);
    });
  } // prettier-ignore

  /** The visitor comes back from the provider. */
  async #complete(request: OutgoingRequest, view: RequestView): Promise<OwnAnswer> {
    const pending = this.#cookies.pending.read(view);
    if (pending === undefined || pending.until < seconds()) return this.#failed(request, 'no login is under way');
    const current = new URL(this.#redirectUri(request));
    current.search = request.query;
    return await this.#provider.use(async (library, provider) => {
      let tokens: Tokens;
      try {
        tokens = await library.authorizationCodeGrant(provider, current, {
          expectedState: pending.state,
          expectedNonce: pending.nonce,
          pkceCodeVerifier: pending.verifier,
          idTokenExpected: true,
        });
      } catch (error) {
        if (error instanceof AgentError || !(error instanceof Error)) throw error;
        if (error.cause instanceof AgentError) throw error.cause;
        return this.#failed(request, `the provider's answer is not right (${error.message})`);
      }
      const session = this.#cookies.session.write(sessionOf(tokens, undefined, this.#config), request.secure);
      return redirect(pending.back, [session, this.#cookies.pending.clear(request.secure)]);
    });
  }

  /** A session whose time is over, if the provider renews it. */
  async #renew({ refreshToken, claims }: Session): Promise<Session | undefined> {
    if (!this.#config.session.refresh || refreshToken === undefined) return undefined;
    return await this.#provider.use(async (library, provider) => {
      try {
        const tokens = await library.refreshTokenGrant(provider, refreshToken);
        return sessionOf(tokens, { claims, refreshToken, until: 0 }, this.#config);
      } catch (error) {
        if (error instanceof AgentError) throw error;
        // Refused: the visitor logs in anew.
        if (error instanceof Error) return undefined;
        throw error;
      }
    });
  }

  async #leave(request: OutgoingRequest): Promise<OwnAnswer> {
    const cleared = [this.#cookies.session.clear(request.secure)];
    const end = await this.#provider.use((library, provider) =>
      provider.serverMetadata().end_session_endpoint === undefined
        ? undefined
        : library.buildEndSessionUrl(provider, {}).href,
    );
    return end === undefined ? emptyAnswer(204, [NO_STORE, ...lines(cleared)]) : redirect(end, cleared);
  }

  #failed(request: OutgoingRequest, why: string): OwnAnswer {
    const headers = lines([this.#cookies.pending.clear(request.secure)]);
    return problemAnswer('unauthorized', `The login for policy ${this.#config.source.name} failed: ${why}.`, {
      headers,
      hint: 'Go back to where you came from and log in again.',
    });
  }

  /** On the host where the visitor is: that of the manifests is another one than the preview's. */
  #redirectUri(request: OutgoingRequest): string {
    const host = request.headers.get('x-forwarded-host') ?? request.host;
    return `${request.secure ? 'https' : 'http'}://${host}${this.#callback}`;
  }
}

type Tokens = TokenEndpointResponse & TokenEndpointResponseHelpers;

/** Of one protocol step only. */
const PROTOCOL: ReadonlySet<string> = new Set(['nonce', 'at_hash', 'c_hash', 's_hash']);

function sessionOf(tokens: Tokens, before: Session | undefined, config: OidcConfig): Session {
  const said = tokens.claims();
  const claims = said === undefined ? (before?.claims ?? {}) : said;
  const left = tokens.expiresIn();
  const until = left === undefined ? (said?.exp ?? seconds()) : seconds() + left;
  const refreshToken = tokens.refresh_token ?? before?.refreshToken;
  return {
    claims: Object.fromEntries(Object.entries(claims).filter(([name]) => !PROTOCOL.has(name))),
    until,
    ...(config.session.refresh && refreshToken !== undefined ? { refreshToken } : {}),
  };
}

function redirect(location: string, cookies: readonly string[]): OwnAnswer {
  return emptyAnswer(302, [['Location', location], NO_STORE, ...lines(cookies)]);
}

function lines(cookies: readonly string[]): HeaderPair[] {
  return cookies.map((cookie) => ['Set-Cookie', cookie]);
}

function pathOf(urlOrPath: string): string {
  return urlOrPath.startsWith('/') ? (urlOrPath.split('?', 1)[0] ?? '/') : new URL(urlOrPath).pathname;
}

function seconds(): number {
  return Math.floor(Date.now() / 1000);
}
