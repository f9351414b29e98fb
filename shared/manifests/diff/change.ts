import type { Diagnostic } from '../types.ts';

/** `wider`: more callers or operations get through than before; `narrower`: fewer; `other`: neither is certain. */
export type Direction = 'wider' | 'narrower' | 'other';

export interface RouteView {
  /** `KIND NAMESPACE/NAME`. */
  readonly object: string;
  readonly match: string;
  readonly backends: string;
  /** What a caller must show; `public` when nothing. */
  readonly access: string;
  readonly api: string | null;
}

export interface RouteChange extends RouteView {
  /** What is another, in words. */
  readonly changes: readonly string[];
}

export interface AccessChange {
  readonly direction: Direction;
  readonly what: string;
}

/** `direction` of a limit: `wider` lets more calls through. */
export type LimitChange = AccessChange;

/** What a change of manifests changes for those who call. */
export interface ManifestDiff {
  readonly routes: {
    readonly added: readonly RouteView[];
    readonly removed: readonly RouteView[];
    readonly changed: readonly RouteChange[];
  };
  readonly access: readonly AccessChange[];
  readonly limits: readonly LimitChange[];
  readonly middlewares: readonly string[];
  readonly diagnostics: { readonly added: readonly Diagnostic[]; readonly fixed: readonly Diagnostic[] };
}
