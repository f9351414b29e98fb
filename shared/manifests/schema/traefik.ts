import type { KindSchema } from './kind-schema.ts';
import { anything, boolean, integer, intOrString, list, object, open, string, stringMap, strings } from './short.ts';
import type { Structural } from './structural.ts';

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

const headers = object('Sets and removes headers.', {
  customRequestHeaders: stringMap('Headers set on requests; an empty value removes one.'),
  customResponseHeaders: stringMap('Headers set on answers; an empty value removes one.'),
  accessControlAllowCredentials: boolean('CORS: let browsers send credentials.'),
  accessControlAllowHeaders: strings('CORS: request headers that may be sent.'),
  accessControlAllowMethods: strings('CORS: methods that may be used.'),
  accessControlAllowOriginList: strings('CORS: origins that may call.'),
  accessControlAllowOriginListRegex: strings('CORS: origins that may call, as regular expressions.'),
  accessControlExposeHeaders: strings('CORS: response headers that scripts may read.'),
  accessControlMaxAge: integer('CORS: seconds for which a preflight answer may be kept.'),
  addVaryHeader: boolean('CORS: add Origin to Vary.'),
  allowedHosts: strings('Hosts that requests may name.'),
  hostsProxyHeaders: strings('Headers that may hold the host.'),
  sslRedirect: boolean('Deprecated.'),
  sslTemporaryRedirect: boolean('Deprecated.'),
  sslHost: string('Deprecated.'),
  sslProxyHeaders: stringMap('Headers that tell of TLS.'),
  sslForceHost: boolean('Deprecated.'),
  stsSeconds: integer('max-age of Strict-Transport-Security.', { minimum: 0 }),
  stsIncludeSubdomains: boolean('Strict-Transport-Security for subdomains too.'),
  stsPreload: boolean('Strict-Transport-Security with preload.'),
  forceSTSHeader: boolean('Strict-Transport-Security without TLS too.'),
  frameDeny: boolean('X-Frame-Options: DENY.'),
  customFrameOptionsValue: string('Value of X-Frame-Options.'),
  contentTypeNosniff: boolean('X-Content-Type-Options: nosniff.'),
  browserXssFilter: boolean('X-XSS-Protection: 1; mode=block.'),
  customBrowserXSSValue: string('Value of X-XSS-Protection.'),
  contentSecurityPolicy: string('Value of Content-Security-Policy.'),
  contentSecurityPolicyReportOnly: string('Value of Content-Security-Policy-Report-Only.'),
  publicKey: string('Value of Public-Key-Pins.'),
  referrerPolicy: string('Value of Referrer-Policy.'),
  permissionsPolicy: string('Value of Permissions-Policy.'),
  featurePolicy: string('Deprecated.'),
  isDevelopment: boolean('Leave out what hinders development.'),
});

/** Types of Middleware that are known, so that a mistyped one is not; what they hold is not checked. */
const OTHER_TYPES = [
  'addPrefix', 'basicAuth', 'buffering', 'chain', 'circuitBreaker', 'compress', 'contentType', 'digestAuth', 'encodedCharacters',
  'errors', 'forwardAuth', 'grpcWeb', 'inFlightReq', 'ipAllowList', 'ipWhiteList', 'passTLSClientCert', 'plugin', 'rateLimit',
  'redirectRegex', 'redirectScheme', 'replacePath', 'replacePathRegex', 'retry', 'stripPrefixRegex',
]; // prettier-ignore

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
        spec: object('One type of middleware and its options.', {
          stripPrefix: object('Takes a prefix off the path.', {
            prefixes: strings('Prefixes; the first that fits is taken off.'),
            forceSlash: boolean('Deprecated.'),
          }),
          headers,
          ...Object.fromEntries(
            OTHER_TYPES.map((type) => [
              type,
              type === 'compress' || type === 'grpcWeb' ? { description: type, ...open } : anything(type),
            ]),
          ),
        }),
      },
      { required: ['spec'] },
    ),
  ),
];
