import type { KindSchema } from './kind-schema.ts';
import { anything, boolean, integer, intOrString, list, object, string, strings } from './short.ts';
import type { Structural } from './structural.ts';
import { middlewareTypes } from './traefik-middlewares.ts';

const service = object(
  'A Service and its port.',
  {
    name: string('Name of the Service.'),
    kind: string('Service, or TraefikService.', { enum: ['Service', 'TraefikService'] }),
    namespace: string('Namespace of the Service; default: that of the route.'),
    port: intOrString('Port of the Service, by number or by name.'),
    weight: integer('Share of requests among the services of the route.', { minimum: 0 }),
    scheme: string('http, https or h2c.'),
    passHostHeader: boolean('Pass the Host header of the caller on; default true.'),
    strategy: string('How requests are spread over the pods.'),
    serversTransport: string('ServersTransport to use.'),
    nativeLB: boolean('Let Kubernetes spread the requests.'),
    nodePortLB: boolean('Use the ports of the nodes.'),
    sticky: anything('Keep callers at one pod.'),
    healthCheck: anything('How pods are checked.'),
    passiveHealthCheck: anything('How failing pods are noticed.'),
    responseForwarding: anything('How answers are passed on.'),
    middlewares: list('Middlewares of the service.', anything('A middleware.')),
  },
  { required: ['name'] },
);

const middleware = object(
  'A Middleware object.',
  { name: string('Name of the Middleware.'), namespace: string('Its namespace; default: that of the route.') },
  { required: ['name'] },
);

const route = object(
  'A rule and where it leads.',
  {
    match: string('Rule, such as Host(`example.com`) && PathPrefix(`/pets`).'),
    kind: string('Always Rule.', { enum: ['Rule'] }),
    priority: integer('Rank among routes that match; default: the length of the rule.'),
    syntax: string('Version of the rule language.'),
    services: list('Where requests go.', service),
    middlewares: list('What is applied to requests and answers, in this order.', middleware),
    observability: anything('Logs, metrics and traces of the route.'),
  },
  { required: ['match'] },
);

function kind(name: string, schema: Structural): KindSchema {
  return { group: 'traefik.io', version: 'v1alpha1', kind: name, names: 'subdomain', source: 'built-in', schema };
}

export const traefikSchemas: readonly KindSchema[] = [
  kind(
    'IngressRoute',
    object(
      'Routes from rules to Services, with middlewares.',
      {
        spec: object(
          'The routes.',
          {
            routes: list('The routes.', route),
            entryPoints: strings('Entry points that serve the routes; default: all.'),
            tls: anything('TLS of the routes.'),
            ingressClassName: string('Controller that serves the routes.'),
            parentRefs: list('Routes above these.', anything('A route.')),
          },
          { required: ['routes'] },
        ),
      },
      { required: ['spec'] },
    ),
  ),
  kind(
    'Middleware',
    object(
      'Something that is done to requests and answers.',
      {
        spec: object('One type of middleware and its options.', middlewareTypes),
      },
      { required: ['spec'] },
    ),
  ),
  kind(
    'TraefikService',
    object(
      'Several services in one: by weight, with copies, or in reserve.',
      {
        spec: object('How requests are spread; exactly one way.', {
          weighted: object('Each gets its share.', {
            services: list('The services.', service),
            sticky: anything('Keep callers at one service.'),
          }),
          mirroring: object(
            'One answers, others get copies.',
            {
              ...service.properties,
              mirrors: list(
                'Services that get copies.',
                object('A service and its share.', { ...service.properties, percent: integer('Share of requests that are copied.', { minimum: 0, maximum: 100 }) }, { required: ['name'] }),
              ),
              maxBodySize: integer('Bytes of a body that are copied at most.'),
              mirrorBody: boolean('Copy bodies too; default true.'),
            },
            { required: ['name'] },
          ),
          highestRandomWeight: anything('Callers are spread by their address.'),
          failover: anything('One answers while the other cannot.'),
        }),
      },
      { required: ['spec'] },
    ),
  ),
  kind(
    'ServersTransport',
    object(
      'How the gateway speaks with the pods of a service.',
      {
        spec: object('The way of speaking.', {
          serverName: string('Name that certificates must bear.'),
          insecureSkipVerify: boolean('Take any certificate.'),
          rootCAs: list('Certificates that vouch for the pods.', object('A certificate.', { secret: string('Secret that holds it.'), configMap: string('ConfigMap that holds it.') })),
          rootCAsSecrets: strings('Deprecated: rootCAs.'),
          certificatesSecrets: strings('Secrets with certificates of the gateway.'),
          cipherSuites: strings('Cipher suites that are allowed.'),
          minVersion: string('TLS version at least.'),
          maxVersion: string('TLS version at most.'),
          maxIdleConnsPerHost: integer('Connections that are kept for each pod.', { minimum: -1 }),
          forwardingTimeouts: object('Time limits.', {
            dialTimeout: intOrString('For a connection.'),
            responseHeaderTimeout: intOrString('For the head of an answer.'),
            idleConnTimeout: intOrString('For a connection without requests.'),
            readIdleTimeout: intOrString('For an HTTP/2 connection without frames.'),
            pingTimeout: intOrString('For the answer to an HTTP/2 ping.'),
          }),
          peerCertURI: string('URI that certificates must bear.'),
          disableHTTP2: boolean('Speak HTTP/1.1 only.'),
          spiffe: anything('Identities by SPIFFE.'),
        }),
      },
      { required: ['spec'] },
    ),
  ),
]; // prettier-ignore
