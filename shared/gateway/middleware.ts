import type { ObjectRef } from '../manifests/types.ts';

export type MiddlewareConfig =
  | { readonly kind: 'strip-prefix'; readonly source: ObjectRef; readonly prefixes: readonly string[] }
  | {
      readonly kind: 'headers';
      readonly source: ObjectRef;
      /** Empty value removes the header. */
      readonly request: Readonly<Record<string, string>>;
      readonly response: Readonly<Record<string, string>>;
    };
