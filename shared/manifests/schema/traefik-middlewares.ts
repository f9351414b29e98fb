import { anything, boolean, integer, intOrString, list, object, open, string, stringMap, strings } from './short.ts';
import type { Structural } from './structural.ts';

/** The types of Middleware of Traefik v3 and their options. */

const ipStrategy = object('How the address of a caller is found.', {
  depth: integer('Place in X-Forwarded-For, from the right.', { minimum: 0 }),
  excludedIPs: strings('Addresses of X-Forwarded-For that are passed over.'),
  ipv6Subnet: integer('Bits of an IPv6 address that count.'),
});
const sourceCriterion = object('What tells callers apart.', {
  ipStrategy,
  requestHeaderName: string('By a header.'),
  requestHost: boolean('By the host of the request.'),
});
const users = {
  secret: string('Secret whose key `users` holds NAME:DIGEST lines.'),
  realm: string('Realm that is named in the challenge.'),
  removeHeader: boolean('Keep the Authorization header from the upstream.'),
  headerField: string('Header that takes the name to the upstream.'),
};
const clientTls = object('TLS towards the service.', {
  caSecret: string('Secret with the certificate that vouches for it.'),
  certSecret: string('Secret with the certificate of the client.'),
  insecureSkipVerify: boolean('Take any certificate.'),
  caOptional: boolean('Deprecated.'),
});
/** Reference to a Service, as in a route. */
const service = object(
  'A Service and its port.',
  {
    name: string('Name of the Service.'),
    kind: string('Service, or TraefikService.', { enum: ['Service', 'TraefikService'] }),
    namespace: string('Namespace of the Service.'),
    port: intOrString('Port of the Service, by number or by name.'),
  },
  { required: ['name'], ...open },
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

const buffering = object('Reads requests and answers whole.', {
  maxRequestBodyBytes: integer('Bytes of a request at most.'),
  memRequestBodyBytes: integer('Bytes of a request that are kept in memory.'),
  maxResponseBodyBytes: integer('Bytes of an answer at most.'),
  memResponseBodyBytes: integer('Bytes of an answer that are kept in memory.'),
  retryExpression: string('When a request is tried again.'),
});

const forwardAuth = object('Asks a service about each request.', {
  address: string('URL of the service.'),
  trustForwardHeader: boolean('Trust X-Forwarded-* of the request.'),
  authResponseHeaders: strings('Headers of its answer that go to the upstream.'),
  authResponseHeadersRegex: string('The same, by expression.'),
  authRequestHeaders: strings('Headers of the request that it gets; all when absent.'),
  addAuthCookiesToResponse: strings('Cookies of its answer that go to the caller.'),
  headerField: string('Header that takes the name of the user to the upstream.'),
  forwardBody: boolean('Send it the body of the request.'),
  maxBodySize: integer('Bytes of the body at most.'),
  preserveLocationHeader: boolean('Pass its Location on as it is.'),
  preserveRequestMethod: boolean('Ask with the method of the request.'),
  tls: clientTls,
});

/** The options, by type. */
export const middlewareTypes: Readonly<Record<string, Structural>> = {
  addPrefix: object('Puts a prefix before the path.', { prefix: string('The prefix.', { 'x-kubernetes-validations': [{ rule: "self.startsWith('/')", message: "must start with a '/'" }] }) }),
  stripPrefix: object('Takes a prefix off the path.', { prefixes: strings('Prefixes; the first that fits is taken off.'), forceSlash: boolean('Deprecated.') }),
  stripPrefixRegex: object('Takes a prefix off the path, by expression.', { regex: strings('Expressions; the first that fits is taken off.') }),
  replacePath: object('Puts a path in place of the one there.', { path: string('The path.') }),
  replacePathRegex: object('Changes the path by expression.', { regex: string('Expression for the path.'), replacement: string('What takes its place; `$1` is its first group.') }),
  headers,
  redirectScheme: object('Sends callers to another scheme.', { scheme: string('The scheme.'), port: string('The port.'), permanent: boolean('301 in place of 302.') }),
  redirectRegex: object('Sends callers to another URL.', { regex: string('Expression for the URL.'), replacement: string('The new URL; `$1` is the first group.'), permanent: boolean('301 in place of 302.') }),
  rateLimit: object('Limits requests by time.', { average: integer('Requests within the period.', { minimum: 0 }), period: intOrString('The period; default 1s.'), burst: integer('Requests at once at most.', { minimum: 0 }), sourceCriterion, redis: anything('Where gateways count together.') }),
  inFlightReq: object('Limits requests that are under way.', { amount: integer('Requests at once at most.', { minimum: 0 }), sourceCriterion }),
  ipAllowList: object('Lets networks in.', { sourceRange: strings('Networks (CIDR) and addresses.'), ipStrategy, rejectStatusCode: integer('Status for others; default 403.') }),
  ipWhiteList: object('Deprecated: ipAllowList.', { sourceRange: strings('Networks (CIDR) and addresses.'), ipStrategy }),
  basicAuth: object('Asks for name and password.', users),
  digestAuth: object('Asks for name and password, by digest.', users),
  forwardAuth,
  compress: { ...object('Compresses answers.', { encodings: strings('Encodings, the best first.'), excludedContentTypes: strings('Types that are left as they are.'), includedContentTypes: strings('Types that are compressed; all when absent.'), minResponseBodyBytes: integer('Bytes from which on answers are compressed.', { minimum: 0 }), defaultEncoding: string('Encoding where the caller names none.') }) },
  retry: object('Tries failed requests again.', { attempts: integer('Tries at most.', { minimum: 0 }), initialInterval: intOrString('Pause before the second try.') }, open),
  circuitBreaker: object('Stops sending while an upstream fails.', { expression: string('When it opens.'), checkPeriod: intOrString('Time between checks.'), fallbackDuration: intOrString('Time for which it stays open.'), recoveryDuration: intOrString('Time in which load grows again.'), responseCode: integer('Status while it is open; default 503.', { minimum: 100, maximum: 599 }) }),
  buffering,
  errors: object('Takes another answer for errors.', { status: strings('Statuses and ranges, such as 500-599.'), service, query: string('Path of the other answer; `{status}` stands for the status.'), statusRewrites: { description: 'Statuses to answer with, by status or range.', type: 'object', additionalProperties: { type: 'integer' } } }),
  chain: object('Several Middlewares in one.', { middlewares: list('The Middlewares, in this order.', object('A Middleware object.', { name: string('Name of the Middleware.'), namespace: string('Its namespace.') }, { required: ['name'] })) }),
  contentType: object('Adds a Content-Type that is missing.', { autoDetect: boolean('Deprecated.') }),
  grpcWeb: object('Lets browsers call by gRPC-Web.', { allowOrigins: strings('Origins that may call.') }),
  encodedCharacters: object('Lets encoded characters pass in paths.', {}, open),
  passTLSClientCert: object('Tells the upstream of the certificate of the caller.', { pem: boolean('Send all of it.'), info: anything('Parts that are sent.') }),
  plugin: { description: 'Options of a plugin, by its name.', type: 'object', additionalProperties: { ...open } },
}; // prettier-ignore
