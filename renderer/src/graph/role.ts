import type { GraphNode } from '../state/model-index.ts';

export type Role = GraphNode['role'];

const roleOfKind: Record<string, Role> = {
  API: 'api',
  APIVersion: 'version',
  APIPlan: 'plan',
  ManagedApplication: 'application',
  ManagedSubscription: 'subscription',
  APIAuth: 'auth',
  Ingress: 'route',
  IngressRoute: 'route',
  HTTPRoute: 'route',
  Service: 'service',
  Secret: 'secret',
  Middleware: 'middleware',
};

/** Role of an object that is not in the graph (in the cluster only, or not understood). */
export function roleOf(kind: string): Role {
  return roleOfKind[kind] ?? 'other';
}

/** Column of the graph, from what visitors see to what answers. */
export const columnOf: Record<Role, number> = {
  visitor: 0,
  application: 0,
  route: 1,
  subscription: 1,
  middleware: 2,
  api: 2,
  plan: 2,
  version: 3,
  auth: 3,
  service: 4,
  secret: 4,
  other: 4,
};

export const columnTitles = [
  'Visitors, applications',
  'Routes, subscriptions',
  'APIs, plans, middlewares',
  'Versions, authentication',
  'Services',
] as const;

export const roleWords: Record<Role, string> = {
  visitor: 'visitors',
  route: 'route',
  api: 'API',
  version: 'version',
  service: 'Service',
  middleware: 'middleware',
  auth: 'authentication',
  plan: 'plan',
  subscription: 'subscription',
  application: 'application',
  secret: 'Secret',
  other: 'object',
};
