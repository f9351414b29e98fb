/**
 * Traefik's rule language, after parsing: what both syntaxes, v3 and v2, come to. Patterns are RE2, not anchored; texts
 * are what Go's strings hold (see `byte-text.ts`).
 */
export type Matcher =
  | { readonly kind: 'all'; readonly of: readonly Matcher[] }
  | { readonly kind: 'any'; readonly of: readonly Matcher[] }
  | { readonly kind: 'not'; readonly of: Matcher }
  /** Lower case. A dot at the end makes no difference. */
  | { readonly kind: 'host'; readonly host: string }
  | { readonly kind: 'host-regexp'; readonly pattern: string }
  | { readonly kind: 'path'; readonly path: string }
  /** A plain string prefix, as Traefik's is. */
  | { readonly kind: 'path-prefix'; readonly prefix: string }
  | { readonly kind: 'path-regexp'; readonly pattern: string }
  | { readonly kind: 'method'; readonly method: string }
  | { readonly kind: 'header'; readonly name: string; readonly value: string }
  | { readonly kind: 'header-regexp'; readonly name: string; readonly pattern: string }
  /** Without a value: the parameter is there, and one of its values is empty. */
  | { readonly kind: 'query'; readonly name: string; readonly value?: string | undefined }
  | { readonly kind: 'query-regexp'; readonly name: string; readonly pattern: string }
  /** Of syntax v2: the pattern is for `NAME=VALUE` with the first value alone, or for nothing when there is none. */
  | { readonly kind: 'query-first'; readonly name: string; readonly pattern: string }
  | { readonly kind: 'client-ip'; readonly cidr: string };
