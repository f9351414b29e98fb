import type { ObjectRef } from '../manifests/types.ts';

export type AuthConfig =
  /** No credential is looked at; `source` tells why. */
  | { readonly kind: 'keyless'; readonly source?: ObjectRef | undefined }
  /** Sources are tried in order: header, then query. The default is `Authorization: Bearer` and `api_key`. */
  | ({ readonly kind: 'api-key'; readonly source?: ObjectRef | undefined } & Omit<CredentialSource, 'cookie'>)
  | ApiJwtConfig
  | LdapConfig
  | UnsupportedAuth;

/** Known but not served: every request gets 501, and a diagnostic says so. */
export interface UnsupportedAuth {
  readonly kind: 'unsupported';
  readonly source: ObjectRef;
  readonly method: string;
}

/** Where a credential is looked for: header, then query, then cookie. */
export interface CredentialSource {
  readonly header?: string | undefined;
  readonly scheme?: string | undefined;
  readonly query?: string | undefined;
  readonly cookie?: string | undefined;
}

/** How keys and providers are asked for. */
export interface AuthClientConfig {
  readonly timeoutMs: number;
  /** After the first try. */
  readonly maxRetries: number;
  readonly ca?: string | undefined;
  readonly insecureSkipVerify: boolean;
}

/** What a signature is checked with. Each way fixes its algorithms, so that no token chooses its own. */
export type TokenKeys =
  | { readonly kind: 'secret'; readonly base64: string }
  /** PEM. */
  | { readonly kind: 'public-key'; readonly pem: string }
  /** The text of a JWK set. */
  | { readonly kind: 'jwks'; readonly text: string }
  /** One entry at most has no issuer: it is for the tokens of all others. */
  | { readonly kind: 'issuers'; readonly issuers: readonly { readonly issuer?: string; readonly url: string }[] };

export interface TokenConfig {
  readonly source: ObjectRef;
  readonly keys: TokenKeys;
  readonly client: AuthClientConfig;
  /** Header for the upstream → claim. What a visitor sends under the name never passes. */
  readonly forwardHeaders: Readonly<Record<string, string>>;
  readonly stripAuthorization: boolean;
  /** Looked at when the header has no token. */
  readonly queryKey?: string | undefined;
}

export interface ApiJwtConfig extends TokenConfig {
  readonly kind: 'jwt';
  readonly appIdClaim: string;
  readonly tokenNameClaim?: string | undefined;
}

export interface LdapConfig {
  readonly kind: 'ldap';
  readonly source: ObjectRef;
  /** `ldap:` or `ldaps:`. */
  readonly url: string;
  readonly startTls: boolean;
  readonly ca?: string | undefined;
  readonly insecureSkipVerify: boolean;
  readonly attribute: string;
  readonly baseDn: string;
  readonly bindDn?: string | undefined;
  readonly bindPassword?: string | undefined;
  /** Given: the user is searched for. `%s` stands for his name. */
  readonly searchFilter?: string | undefined;
}

/** An AccessControlPolicy: looked at before the middlewares of a route. */
export type AccessPolicyConfig =
  | (TokenConfig & { readonly kind: 'jwt'; readonly claims?: string | undefined })
  | {
      readonly kind: 'basic-auth';
      readonly source: ObjectRef;
      /** User → digest as htpasswd writes it. */
      readonly users: Readonly<Record<string, string>>;
      readonly realm: string;
      readonly stripAuthorization: boolean;
      readonly userHeader?: string | undefined;
    }
  | ApiKeyPolicyConfig
  | IntrospectionConfig
  | OidcConfig
  | UnsupportedAuth;

export interface ApiKeyPolicyConfig {
  readonly kind: 'api-key';
  readonly source: ObjectRef;
  readonly from: CredentialSource;
  /** `shake256`: 64 bytes, hex. */
  readonly keys: readonly {
    readonly id: string;
    readonly shake256: string;
    readonly metadata: Readonly<Record<string, string>>;
  }[];
  /** Header for the upstream → name of metadata. */
  readonly forwardHeaders: Readonly<Record<string, string>>;
}

/** RFC 7662. */
export interface IntrospectionConfig {
  readonly kind: 'introspection';
  readonly source: ObjectRef;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly tokenTypeHint?: string | undefined;
  readonly client: AuthClientConfig;
  readonly from: CredentialSource;
  readonly claims?: string | undefined;
  readonly forwardHeaders: Readonly<Record<string, string>>;
}

export interface CookieConfig {
  readonly domain?: string | undefined;
  readonly path: string;
  readonly sameSite: 'Lax' | 'Strict' | 'None';
  readonly secure: boolean;
}

/** OpenID Connect, with the code flow. */
export interface OidcConfig {
  readonly kind: 'oidc';
  readonly source: ObjectRef;
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** A URL, or a path on the host of the visitor. */
  readonly redirectUrl: string;
  readonly logoutUrl?: string | undefined;
  readonly scopes: readonly string[];
  readonly authParams: Readonly<Record<string, string>>;
  /** Paths where a visitor without a session gets 401 in place of the login. */
  readonly noRedirectPaths: readonly string[];
  readonly session: CookieConfig & { readonly refresh: boolean };
  readonly stateCookie: CookieConfig;
  readonly claims?: string | undefined;
  readonly forwardHeaders: Readonly<Record<string, string>>;
}
