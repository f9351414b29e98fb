import { parseAllDocuments } from 'yaml';

/** An object of Kubernetes, as far as its address on the API server needs. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string | undefined };
}

export const NAMESPACE = 'conf';
/** Where the Service `far` is. */
export const FAR_NAMESPACE = 'conf-far';

export function namespaceOf(service: string): string {
  return service === 'far' ? FAR_NAMESPACE : NAMESPACE;
}

/** Where the cases' kinds live on the API server. */
const PLURALS: Readonly<Record<string, string>> = {
  Service: 'services',
  Secret: 'secrets',
  ConfigMap: 'configmaps',
  Namespace: 'namespaces',
  Ingress: 'ingresses',
  IngressClass: 'ingressclasses',
  IngressRoute: 'ingressroutes',
  Middleware: 'middlewares',
  TraefikService: 'traefikservices',
  ServersTransport: 'serverstransports',
  Gateway: 'gateways',
  GatewayClass: 'gatewayclasses',
  HTTPRoute: 'httproutes',
  GRPCRoute: 'grpcroutes',
  ReferenceGrant: 'referencegrants',
};
const CLUSTER_WIDE = new Set(['Namespace', 'IngressClass', 'GatewayClass']);

export function objectsOf(yaml: string): KubeObject[] {
  return parseAllDocuments(yaml).flatMap((document) => {
    const [error] = document.errors;
    if (error) throw new Error(`a case has broken YAML: ${error.message}\n${yaml}`);
    const value: unknown = document.toJS();
    return value === null ? [] : [value as KubeObject];
  });
}

/** Path below the API server's URL. */
export function pathOf({ apiVersion, kind, metadata }: KubeObject): string {
  const plural = PLURALS[kind];
  if (plural === undefined) throw new Error(`the suite does not know where ${kind} lives; add it to PLURALS`);
  const group = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const scope = CLUSTER_WIDE.has(kind) ? '' : `/namespaces/${metadata.namespace ?? NAMESPACE}`;
  return `${group}${scope}/${plural}/${metadata.name}`;
}
