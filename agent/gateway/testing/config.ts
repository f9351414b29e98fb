import { createHash } from 'node:crypto';
import type { GatewayConfig, Matcher, RouteConfig } from '../../../shared/gateway/config.ts';
import type { LoadBalancerConfig } from '../../../shared/gateway/service.ts';
import type { ObjectRef } from '../../../shared/manifests/types.ts';

export const sha256 = (text: string | Uint8Array): string => createHash('sha256').update(text).digest('hex');

export function ref(kind: string, name: string): ObjectRef {
  return { apiVersion: 'v1', kind, namespace: 'shop', name };
}

export function prefix(path: string): Matcher {
  return { kind: 'path-prefix', prefix: path };
}

export function route(name: string, match: Matcher, more: Partial<RouteConfig> = {}): RouteConfig {
  return {
    id: `IngressRoute/shop/${name}#0`,
    source: ref('IngressRoute', name),
    match,
    priority: 1,
    middlewares: [],
    backends: [{ service: 'shop-web-80', weight: 1 }],
    ...more,
  };
}

/** The servers of a Service port, one after the other. */
export function balancer(upstream: string, more: Partial<LoadBalancerConfig> = {}): LoadBalancerConfig {
  const name = `${upstream.replaceAll(/[/:]/g, '-')}@kubernetescrd`;
  return { kind: 'load-balancer', name, upstream, scheme: 'http', passHostHeader: true, strategy: 'wrr', ...more };
}

const empty: GatewayConfig = {
  hosts: [],
  routes: [],
  services: { 'shop-web-80': balancer('shop/web:80') },
  upstreams: { 'shop/web:80': { namespace: 'shop', service: 'web', port: '80', source: ref('Service', 'web') } },
  transports: {},
  apis: {},
  applications: {},
  subscriptions: {},
  plans: {},
};

export function plain(...routes: RouteConfig[]): GatewayConfig {
  return { ...empty, routes };
}

/** API `shop/pets` under `/pets`: `key-good` may read 3 times a minute, `key-none` has no subscription. */
export function managed(more: Partial<GatewayConfig> = {}): GatewayConfig {
  return {
    ...empty,
    routes: [route('pets', prefix('/pets'), { api: 'shop/pets' })],
    apis: {
      'shop/pets': {
        source: ref('API', 'pets'),
        auth: { kind: 'api-key' },
        operationSets: { read: [{ methods: ['GET'] }] },
      },
    },
    applications: {
      'shop/web-app': {
        source: ref('ManagedApplication', 'web-app'),
        appId: 'web-app',
        keys: [
          { sha256: sha256('key-good'), suspended: false },
          { sha256: sha256('key-old'), suspended: true },
        ],
      },
      'shop/other': {
        source: ref('ManagedApplication', 'other'),
        appId: 'other',
        keys: [{ sha256: sha256('key-none'), suspended: false }],
      },
    },
    subscriptions: {
      'shop/readers': {
        source: ref('ManagedSubscription', 'readers'),
        name: 'readers',
        apis: ['shop/pets'],
        applications: ['shop/web-app'],
        plan: 'shop/small',
        weight: 0,
        operations: ['read'],
      },
    },
    plans: {
      'shop/small': {
        source: ref('APIPlan', 'small'),
        rateLimit: { limit: 3, periodMs: 60_000, bucket: 'subscription' },
      },
    },
    ...more,
  };
}
