/** Traefik's rule language, after parsing. `pathPrefix` is a plain string prefix, as Traefik's is. */
export type Matcher =
  | { readonly kind: 'all'; readonly of: readonly Matcher[] }
  | { readonly kind: 'any'; readonly of: readonly Matcher[] }
  | { readonly kind: 'not'; readonly of: Matcher }
  | { readonly kind: 'host'; readonly host: string }
  | { readonly kind: 'host-regexp'; readonly pattern: string }
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'path-prefix'; readonly prefix: string }
  /** Ingress `pathType: Prefix`: whole path elements. */
  | { readonly kind: 'path-elements'; readonly prefix: string }
  | { readonly kind: 'path-regexp'; readonly pattern: string }
  | { readonly kind: 'method'; readonly method: string }
  | { readonly kind: 'header'; readonly name: string; readonly value: string }
  | { readonly kind: 'header-regexp'; readonly name: string; readonly pattern: string }
  | { readonly kind: 'query'; readonly name: string; readonly value?: string | undefined }
  | { readonly kind: 'query-regexp'; readonly name: string; readonly pattern: string }
  | { readonly kind: 'client-ip'; readonly cidr: string };
