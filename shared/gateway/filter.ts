import type { ObjectRef } from '../manifests/types.ts';

/** What the filters of Gateway API routes come to. Like middlewares, but as that API has them. */
export type FilterConfig =
  | HeaderModifierConfig<'request-header-modifier'>
  | HeaderModifierConfig<'response-header-modifier'>
  | UrlRewriteConfig
  | RequestRedirectConfig;

interface Filter<Kind extends string> {
  readonly kind: Kind;
  readonly source: ObjectRef;
}

/** First headers are set, then added, then removed. */
export interface HeaderModifierConfig<Kind extends string> extends Filter<Kind> {
  readonly set: Readonly<Record<string, string>>;
  readonly add: Readonly<Record<string, string>>;
  readonly remove: readonly string[];
}

export interface UrlRewriteConfig extends Filter<'url-rewrite'> {
  readonly hostname?: string | undefined;
  readonly path?: NewPath | undefined;
}

export interface RequestRedirectConfig extends Filter<'request-redirect'> {
  /** Undefined: left open, so that the caller stays with his own. */
  readonly scheme?: string | undefined;
  /** Undefined: that of the request. */
  readonly hostname?: string | undefined;
  /** Undefined: that of the request; empty: none. */
  readonly port?: string | undefined;
  readonly path?: NewPath | undefined;
  readonly status: 301 | 302;
}

export interface NewPath {
  readonly path: string;
  /** The path takes the place of this prefix alone. */
  readonly prefix?: string | undefined;
}
