/** Options of Traefik's providers that change which routes there are. */
export interface TraefikOptions {
  /** Of the provider for IngressRoutes: whether these and what they name may name objects of other namespaces. */
  readonly allowCrossNamespace: boolean;
  /** Of the provider for Ingresses: `Prefix` is compared element by element, as Kubernetes asks for it. */
  readonly strictPrefixMatching: boolean;
}

/** Traefik's own. */
export const TRAEFIK_DEFAULTS: TraefikOptions = { allowCrossNamespace: false, strictPrefixMatching: false };
