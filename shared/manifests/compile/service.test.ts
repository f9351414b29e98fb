import { describe, expect, it } from 'vitest';
import { analyze, type Analysis } from '../analyze.ts';

const TRAEFIK = 'traefik.io/v1alpha1';

function object(apiVersion: string, kind: string, name: string, body: string, more = ''): string {
  return `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: { name: ${name}, namespace: ns${more} }\n${body}\n`;
}

const WEB = object('v1', 'Service', 'web', 'spec: { ports: [{ name: http, port: 80 }] }');
const NEW = object('v1', 'Service', 'new', 'spec: { ports: [{ port: 80 }] }');
const OUTSIDE = object(
  'v1',
  'Service',
  'out',
  'spec: { type: ExternalName, externalName: api.example, ports: [{ port: 443 }] }',
);

function route(services: string): string {
  return object(
    TRAEFIK,
    'IngressRoute',
    'r',
    `spec:\n  routes:\n    - match: PathPrefix(\`/\`)\n      services: ${services}`,
  );
}

function run(...documents: string[]): Analysis {
  return analyze([{ path: 'a.yaml', text: documents.join('---\n') }], { namespace: 'ns' });
}

function told(analysis: Analysis): string[] {
  return analysis.diagnostics.map(({ severity, code, path }) => `${severity} ${code} ${path}`);
}

describe('the services of a route', () => {
  it('have the names that Traefik gives them, of which its cookies are made', () => {
    const one = run(WEB, route('[{ name: web, port: 80, weight: 0, sticky: { cookie: {} } }]')).config;
    const [key] = Object.keys(one.services);
    expect(key).toMatch(/^ns-r-[0-9a-f]{20}@kubernetescrd$/);
    expect(one.routes[0]?.backends).toEqual([{ service: key, weight: 1 }]);
    expect(one.services[key ?? '']).toMatchObject({
      sticky: { cookie: expect.stringMatching(/^_[0-9a-f]{5}$/), path: '/' },
    });
    const two = run(WEB, NEW, route('[{ name: web, port: http, weight: 3 }, { name: new, port: 80 }]')).config;
    expect(two.routes[0]?.backends).toEqual([
      { service: 'ns-web-http@kubernetescrd', weight: 3 },
      { service: 'ns-new-80@kubernetescrd', weight: 1 },
    ]);
  });

  it('are told of all that a balancer may have', () => {
    const transport = object(
      TRAEFIK,
      'ServersTransport',
      't',
      'spec: { serverName: web.internal, rootCAs: [{ configMap: ca }], certificatesSecrets: [client], forwardingTimeouts: { dialTimeout: 3, responseHeaderTimeout: 1m } }',
    );
    const ca = object('v1', 'ConfigMap', 'ca', 'data: { ca.crt: CA }');
    const client = object('v1', 'Secret', 'client', 'stringData: { tls.crt: CERT, tls.key: KEY }');
    const { config } = run(
      OUTSIDE,
      transport,
      ca,
      client,
      route(
        '[{ name: out, port: 443, scheme: h2c, strategy: p2c, passHostHeader: false, serversTransport: t, healthCheck: { path: /up, interval: 5s, port: 81 }, passiveHealthCheck: { failureWindow: 2, maxFailedAttempts: 3 } }]',
      ),
    );
    expect(Object.values(config.services)).toEqual([
      expect.objectContaining({
        scheme: 'h2c',
        strategy: 'p2c',
        passHostHeader: false,
        transport: 'ns/t',
        healthCheck: expect.objectContaining({
          path: '/up',
          port: 81,
          intervalMs: 5000,
          unhealthyIntervalMs: 5000,
          timeoutMs: 5000,
          method: 'GET',
        }),
        passiveHealthCheck: { failureWindowMs: 2000, maxFailedAttempts: 3 },
      }),
    ]);
    expect(config.transports['ns/t']).toMatchObject({
      serverName: 'web.internal',
      rootCAs: ['CA'],
      certificates: [{ cert: 'CERT', key: 'KEY' }],
      dialTimeoutMs: 3000,
      responseHeaderTimeoutMs: 60_000,
      idleConnTimeoutMs: 90_000,
    });
  });

  it('nest: weighted, mirrored and hashed ones', () => {
    const weighted = object(
      TRAEFIK,
      'TraefikService',
      'w',
      'spec: { weighted: { sticky: { cookie: { name: "a b", secure: true, sameSite: lax, maxAge: 5 } }, services: [{ name: web, port: 80, weight: 0 }, { name: m, kind: TraefikService }] } }',
    );
    const mirrored = object(
      TRAEFIK,
      'TraefikService',
      'm',
      'spec: { mirroring: { name: web, port: 80, maxBodySize: 9, mirrors: [{ name: h, kind: TraefikService, percent: 20 }] } }',
    );
    const hashed = object(
      TRAEFIK,
      'TraefikService',
      'h',
      'spec: { highestRandomWeight: { services: [{ name: new, port: 80, weight: 2 }] } }',
    );
    const { config, diagnostics } = run(
      WEB,
      NEW,
      weighted,
      mirrored,
      hashed,
      route('[{ name: w, kind: TraefikService }]'),
    );
    expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(config.routes[0]?.backends).toEqual([{ service: 'ns-w@kubernetescrd', weight: 1 }]);
    expect(config.services).toMatchObject({
      'ns-w@kubernetescrd': {
        kind: 'weighted',
        services: [
          { service: 'ns-web-80@kubernetescrd', weight: 0 },
          { service: 'ns-m@kubernetescrd', weight: 1 },
        ],
        sticky: { cookie: 'a_b', secure: true, httpOnly: false, sameSite: 'lax', maxAge: 5 },
      },
      'ns-m@kubernetescrd': {
        kind: 'mirroring',
        service: 'ns-web-80@kubernetescrd',
        mirrors: [{ service: 'ns-h@kubernetescrd', percent: 20 }],
        mirrorBody: true,
        maxBodyBytes: 9,
      },
      'ns-h@kubernetescrd': {
        kind: 'highest-random-weight',
        services: [{ service: 'ns-new-80@kubernetescrd', weight: 2 }],
      },
    });
  });

  it('have the endpoints of the EndpointSlices for servers, those that leave fenced', () => {
    const slice = object(
      'discovery.k8s.io/v1',
      'EndpointSlice',
      'web-1',
      'addressType: IPv4\nports: [{ name: http, port: 8080 }]\nendpoints:\n  - { addresses: [10.0.0.1] }\n  - { addresses: [10.0.0.2], conditions: { serving: false } }\n  - { addresses: [10.0.0.3], conditions: { serving: true, terminating: true } }',
      ', labels: { kubernetes.io/service-name: web }',
    );
    const { config } = run(WEB, slice, route('[{ name: web, port: 80 }]'));
    expect(config.upstreams['ns/web:80']?.servers).toEqual([
      { address: '10.0.0.1:8080' },
      { address: '10.0.0.3:8080', fenced: true },
    ]);
    const empty = run(WEB, slice.replace('8080', '0'), route('[{ name: web, port: 80 }]'));
    expect([empty.config.routes, told(empty)]).toEqual([[], ['warning route-invalid spec.routes[0].services[0].port']]);
  });

  it.each([
    ['[{ name: web, port: 80, scheme: ftp }]', 'scheme'],
    ['[{ name: web, port: 80, healthCheck: { path: / } }]', 'healthCheck'],
    ['[{ name: out, port: 443, healthCheck: { interval: soon } }]', 'healthCheck.interval'],
    ['[{ name: out, port: 443, passiveHealthCheck: { failureWindow: soon } }]', 'passiveHealthCheck.failureWindow'],
  ])('that Traefik refuses take the route with them: %s', (services, field) => {
    const analysis = run(WEB, OUTSIDE, route(services));
    expect(analysis.config.routes).toEqual([]);
    expect(told(analysis)).toContain(`error route-invalid spec.routes[0].services[0].${field}`);
  });

  it('that lead back to themselves are not served', () => {
    const circle = object(
      TRAEFIK,
      'TraefikService',
      'c',
      'spec: { weighted: { services: [{ name: c, kind: TraefikService }] } }',
    );
    expect(run(circle, route('[{ name: c, kind: TraefikService }]')).config.routes).toEqual([]);
  });
});

describe('the services of an Ingress', () => {
  const ingress = object(
    'networking.k8s.io/v1',
    'Ingress',
    'i',
    'spec: { rules: [{ http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: web, port: { number: 80 } } } }] } }] }',
  );
  const annotated = (notes: string): string =>
    object('v1', 'Service', 'web', 'spec: { ports: [{ port: 80 }] }', `, annotations: { ${notes} }`);
  const option = (name: string, value: string): string => `traefik.ingress.kubernetes.io/service.${name}: "${value}"`;

  it('have their options on the Service', () => {
    const notes = [
      option('serversscheme', 'h2c'),
      option('passhostheader', 'false'),
      option('sticky.cookie.name', 'c'),
      option('sticky.cookie.httponly', 'true'),
      option('serverstransport', 'ns-t@kubernetescrd'),
    ].join(', ');
    const transport = object(TRAEFIK, 'ServersTransport', 't', 'spec: { insecureSkipVerify: true }');
    const { config } = run(annotated(notes), transport, ingress);
    expect(config.services['ns-web-80@kubernetes']).toMatchObject({
      scheme: 'h2c',
      passHostHeader: false,
      transport: 'ns/t',
      sticky: { cookie: 'c', httpOnly: true },
    });
  });

  it.each([
    option('passhostheader', 'no'),
    option('unknown', 'x'),
    option('serverstransport', 'ns-none@kubernetescrd'),
  ])('are not served with an option that Traefik cannot read: %s', (notes) => {
    const analysis = run(annotated(notes), ingress);
    expect([analysis.config.routes.length, analysis.diagnostics.some(({ severity }) => severity === 'error')]).toEqual([
      0,
      true,
    ]);
  });
});
