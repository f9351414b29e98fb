import { isIP } from 'node:net';
import type { GatewayConfig } from '../../shared/gateway/config.ts';
import { upstreamTarget } from '../gateway/upstream-target.ts';
import { hostLabel, type OnUpdate, type Source } from './source.ts';

const UPSTREAM = 'url';

/** A plain upstream without manifests: every request goes to the URL, which is addressed by its own name. */
export class UrlSource implements Source {
  readonly name: string;
  #url: string;
  #onUpdate: OnUpdate;

  constructor(source: { url: string; name?: string | undefined }, onUpdate: OnUpdate) {
    this.#url = source.url;
    const { hostname } = new URL(source.url);
    this.name = hostLabel(source.name ?? (isIP(hostname.replaceAll(/[[\]]/g, '')) === 0 ? hostname : 'preview'));
    this.#onUpdate = onUpdate;
  }

  start(): Promise<void> {
    const begun = performance.now();
    upstreamTarget(this.#url);
    const config = catchAll(this.#url);
    const tookMs = performance.now() - begun;
    this.#onUpdate({ kind: 'config', config, upstreams: new Map([[UPSTREAM, this.#url]]), tookMs });
    return Promise.resolve();
  }

  overlay(): void {}

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function catchAll(url: string): GatewayConfig {
  const source = { apiVersion: 'adit.dev/v1alpha1', kind: 'URL', namespace: '', name: url };
  return {
    hosts: [],
    routes: [
      {
        id: 'URL#0',
        source,
        match: { kind: 'path-prefix', prefix: '/' },
        priority: 1,
        middlewares: [],
        backends: [{ service: UPSTREAM, weight: 1 }],
      },
    ],
    services: {
      [UPSTREAM]: {
        kind: 'load-balancer',
        name: UPSTREAM,
        upstream: UPSTREAM,
        scheme: 'http',
        passHostHeader: false,
        strategy: 'wrr',
      },
    },
    upstreams: { [UPSTREAM]: { namespace: '', service: url, port: '', source } },
    transports: {},
    apis: {},
    applications: {},
    subscriptions: {},
    plans: {},
  };
}
