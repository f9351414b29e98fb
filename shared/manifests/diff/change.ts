import type { Diagnostic, ObjectRef } from '../types.ts';

/** `wider`: more callers or operations get through than before; `narrower`: fewer; `other`: neither is certain. */
export type Direction = 'wider' | 'narrower' | 'other';

/** Where the object, or the rule of its route, begins in the files; of a rendered one, where its source does. Null: nowhere. */
export interface Place {
  readonly file: string | null;
  readonly line: number | null;
}

export interface RouteWords {
  /** `KIND NAMESPACE/NAME`. */
  readonly object: string;
  readonly match: string;
  readonly backends: string;
  /** What a caller must show; `public` when nothing. */
  readonly access: string;
  readonly api: string | null;
}

export type RouteView = RouteWords & Place;

export interface RouteChange extends RouteView {
  /** What is another, in words. */
  readonly changes: readonly string[];
}

/** What an object says; of a route with its `KIND/NAMESPACE/NAME#INDEX`. */
export interface Said {
  readonly source: ObjectRef;
  readonly id?: string;
}

/** A change, and what makes it. */
export interface Finding {
  readonly direction: Direction;
  readonly what: string;
  readonly by: Said | undefined;
}

export type AccessChange = Omit<Finding, 'by'> & Place;

/** `direction` of a limit: `wider` lets more calls through. */
export type LimitChange = AccessChange;

/** An overlay or chart that could not be rendered, so that nothing is known of what it says. */
export interface NotCompared {
  readonly side: 'before' | 'after' | 'both';
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

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
  readonly notCompared: readonly NotCompared[];
  readonly diagnostics: { readonly added: readonly Diagnostic[]; readonly fixed: readonly Diagnostic[] };
}
