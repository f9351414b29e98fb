import type { KindSchema } from './kind-schema.ts';
import { anything, integer, list, object, open, string, stringMap, strings } from './short.ts';
import type { Structural } from './structural.ts';

/** Kinds of the Gateway API v1 (standard channel), as far as they say what is routed where. */
const GROUP = 'gateway.networking.k8s.io';

const HOSTNAME = { minLength: 1, maxLength: 253 } as const;
const NAME = { minLength: 1, maxLength: 253 } as const;
const NAMESPACE = { minLength: 1, maxLength: 63, pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$' } as const;
const PORT = { minimum: 1, maximum: 65_535, format: 'int32' } as const;

const parentRefs = list(
  'Gateways (or Services) that the route is attached to.',
  object(
    'A Gateway, and the part of it.',
    {
      group: string('Group of the parent; default: this one.', { default: GROUP, maxLength: 253 }),
      kind: string('Kind of the parent.', { default: 'Gateway', minLength: 1, maxLength: 63 }),
      name: string('Name of the parent.', NAME),
      namespace: string('Namespace of the parent; default: that of the route.', NAMESPACE),
      sectionName: string('Name of the listener.', NAME),
      port: integer('Port of the listener.', PORT),
    },
    { required: ['name'] },
  ),
  { maxItems: 32 },
);

const backendFields = {
  group: string('Group of the backend; default: the core group.', { default: '', maxLength: 253 }),
  kind: string('Kind of the backend.', { default: 'Service', minLength: 1, maxLength: 63 }),
  name: string('Name of the backend.', NAME),
  namespace: string('Its namespace; another than that of the route needs a ReferenceGrant there.', NAMESPACE),
  port: integer('Port of the Service.', PORT),
};
const backend = object('A Service and its port.', backendFields, {
  required: ['name'],
  'x-kubernetes-validations': [
    {
      rule: "(size(self.group) == 0 && self.kind == 'Service') ? has(self.port) : true",
      message: 'Must have port for Service reference',
    },
  ],
});

const header = object(
  'A header.',
  { name: string('Name of the header.', { minLength: 1, maxLength: 256 }), value: string('Its value.', { minLength: 1, maxLength: 4096 }) },
  { required: ['name', 'value'] },
); // prettier-ignore
const headerFilter = object('Headers to set, add and remove.', {
  set: list('Headers that take the place of those there.', header, { maxItems: 16 }),
  add: list('Headers added to those there.', header, { maxItems: 16 }),
  remove: { ...strings('Headers taken away.'), maxItems: 16 },
});
const newPath = object(
  'The new path.',
  {
    type: string('All of the path, or the matched prefix.', { enum: ['ReplaceFullPath', 'ReplacePrefixMatch'] }),
    replaceFullPath: string('Path in place of the whole.', { maxLength: 1024 }),
    replacePrefixMatch: string('Path in place of the matched prefix.', { maxLength: 1024 }),
  },
  { required: ['type'] },
);
const extensionRef = object(
  'An object of the implementation, such as a Middleware.',
  { group: string('Its group.', { maxLength: 253 }), kind: string('Its kind.', { minLength: 1, maxLength: 63 }), name: string('Its name.', NAME) },
  { required: ['group', 'kind', 'name'] },
); // prettier-ignore
const mirror = object('A copy of each request goes there.', { backendRef: backend, percent: integer('Share of requests, in percent.', { minimum: 0, maximum: 100 }), fraction: anything('Share of requests, as a fraction.') }, { required: ['backendRef'] }); // prettier-ignore

const httpFilter = object(
  'Something that is done to requests and answers.',
  {
    type: string('What is done.', {
      enum: ['RequestHeaderModifier', 'ResponseHeaderModifier', 'RequestMirror', 'RequestRedirect', 'URLRewrite', 'ExtensionRef', 'CORS', 'ExternalAuth'],
    }),
    requestHeaderModifier: headerFilter,
    responseHeaderModifier: headerFilter,
    requestMirror: mirror,
    requestRedirect: object('The caller is sent elsewhere.', {
      scheme: string('Scheme of the new address.', { enum: ['http', 'https'] }),
      hostname: string('Host of the new address.', HOSTNAME),
      path: newPath,
      port: integer('Port of the new address.', PORT),
      statusCode: integer('Status of the answer.', { default: 302, enum: [301, 302, 303, 307, 308] }),
    }),
    urlRewrite: object('The upstream gets another host or path.', { hostname: string('The host.', HOSTNAME), path: newPath }),
    cors: anything('Cross-origin rules.'),
    externalAuth: anything('A service that lets requests pass.'),
    extensionRef,
  },
  { required: ['type'] },
); // prettier-ignore

const valueMatch = (what: string): Structural =>
  object(
    `A ${what} that a request must have.`,
    {
      type: string('How it is compared.', { default: 'Exact', enum: ['Exact', 'RegularExpression'] }),
      name: string(`Name of the ${what}.`, { minLength: 1, maxLength: 256 }),
      value: string('The value, or the expression.', { minLength: 1, maxLength: 4096 }),
    },
    { required: ['name', 'value'] },
  );

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'];
const httpMatch = object('Requests that the rule is for; all parts must fit.', {
  path: object(
    'Path of the request.',
    {
      type: string('How it is compared.', { default: 'PathPrefix', enum: ['Exact', 'PathPrefix', 'RegularExpression'] }),
      value: string('The path, or the expression.', { default: '/', maxLength: 1024 }),
    },
    {
      'x-kubernetes-validations': [
        { rule: "(self.type in ['Exact','PathPrefix']) ? self.value.startsWith('/') : true", message: "value must be an absolute path and start with '/' when type one of ['Exact', 'PathPrefix']" },
        { rule: "(self.type in ['Exact','PathPrefix']) ? !self.value.contains('//') : true", message: "must not contain '//' when type one of ['Exact', 'PathPrefix']" },
      ],
    },
  ),
  headers: list('Headers of the request.', valueMatch('header'), { maxItems: 16 }),
  queryParams: list('Parameters of the query.', valueMatch('parameter'), { maxItems: 16 }),
  method: string('Method of the request.', { enum: METHODS }),
}); // prettier-ignore

const weight = integer('Share of requests among the backends of the rule.', {
  default: 1,
  minimum: 0,
  maximum: 1_000_000,
  format: 'int32',
});
const routeOf = (description: string, rule: Structural): Structural =>
  object(
    description,
    {
      spec: object('The route.', {
        parentRefs,
        hostnames: list('Hosts of the route; `*.` at the beginning stands for one or more labels.', string('A host.', HOSTNAME), { maxItems: 16 }),
        rules: list('Rules, and where they lead.', rule, { minItems: 1, maxItems: 16 }),
        useDefaultGateways: string('Attach to the default gateways.'),
      }),
      status: anything('Set by the server.'),
    },
    { required: ['spec'] },
  ); // prettier-ignore

const httpRule = object('Requests, and where they go.', {
  name: string('Name of the rule.', NAME),
  matches: list('Alternatives: one must fit.', httpMatch, { maxItems: 64 }),
  filters: list('What is done to requests and answers.', httpFilter, { maxItems: 16 }),
  backendRefs: list(
    'Where requests go.',
    object(
      'A Service, its share, and what is done on the way to it.',
      { ...backendFields, weight, filters: list('What is done on the way.', httpFilter, { maxItems: 16 }) },
      { required: ['name'] },
    ),
    { maxItems: 16 },
  ),
  timeouts: object('Time limits.', {
    request: string('For the whole answer.', { pattern: '^([0-9]{1,5}(h|m|s|ms)){1,4}$' }),
    backendRequest: string('For one request to a backend.', { pattern: '^([0-9]{1,5}(h|m|s|ms)){1,4}$' }),
  }),
  retry: anything('How failed requests are tried again.'),
  sessionPersistence: anything('How callers are kept at one backend.'),
});

const grpcRule = object('Calls, and where they go.', {
  name: string('Name of the rule.', NAME),
  matches: list(
    'Alternatives: one must fit.',
    object('Calls that the rule is for.', {
      method: object('Service and method of the call.', {
        type: string('How they are compared.', { default: 'Exact', enum: ['Exact', 'RegularExpression'] }),
        service: string('Name of the service.', { maxLength: 1024 }),
        method: string('Name of the method.', { maxLength: 1024 }),
      }),
      headers: list('Metadata of the call.', valueMatch('header'), { maxItems: 16 }),
    }),
    { maxItems: 64 },
  ),
  filters: list('What is done to calls and answers.', object('A filter.', { type: string('What is done.', { enum: ['RequestHeaderModifier', 'ResponseHeaderModifier', 'RequestMirror', 'ExtensionRef'] }), requestHeaderModifier: headerFilter, responseHeaderModifier: headerFilter, requestMirror: mirror, extensionRef }, { required: ['type'] }), { maxItems: 16 }),
  backendRefs: list('Where calls go.', object('A Service and its share.', { ...backendFields, weight, filters: list('What is done on the way.', anything('A filter.'), { maxItems: 16 }) }, { required: ['name'] }), { maxItems: 16 }),
  sessionPersistence: anything('How callers are kept at one backend.'),
}); // prettier-ignore

const listener = object(
  'A port, and what is served on it.',
  {
    name: string('Name of the listener.', NAME),
    hostname: string('Host that is served; all when absent.', HOSTNAME),
    port: integer('The port.', PORT),
    protocol: string('HTTP, HTTPS, TLS, TCP or UDP.', { minLength: 1, maxLength: 255 }),
    tls: object('TLS of the listener.', {
      mode: string('Who ends TLS.', { default: 'Terminate', enum: ['Terminate', 'Passthrough'] }),
      certificateRefs: list('Secrets that hold the certificates.', object('A Secret.', { ...backendFields, kind: string('Kind of the object.', { default: 'Secret', minLength: 1, maxLength: 63 }) }, { required: ['name'] }), { maxItems: 64 }),
      options: stringMap('Options of the implementation.'),
      frontendValidation: anything('How certificates of callers are checked.'),
    }),
    allowedRoutes: object('Routes that may be attached.', {
      namespaces: object('Where they may be.', {
        from: string('Which namespaces.', { default: 'Same', enum: ['All', 'Selector', 'Same', 'None'] }),
        selector: anything('Namespaces, by label.'),
      }),
      kinds: list('Of which kinds they may be.', object('A kind.', { group: string('Its group.', { maxLength: 253 }), kind: string('The kind.', { minLength: 1, maxLength: 63 }) }, { required: ['kind'] }), { maxItems: 8 }),
    }),
  },
  { required: ['name', 'port', 'protocol'] },
); // prettier-ignore

function kind(name: string, schema: Structural, version = 'v1'): KindSchema {
  return { group: GROUP, version, kind: name, names: 'subdomain', scope: 'Namespaced', source: 'built-in', schema };
}

const referenceGrant = object('Lets objects of other namespaces refer to some of this one.', {
  spec: object(
    'Who may refer to what.',
    {
      from: list('Objects that may refer.', object('A kind of a namespace.', { group: string('Group.', { maxLength: 253 }), kind: string('Kind.', { minLength: 1, maxLength: 63 }), namespace: string('Namespace.', NAMESPACE) }, { required: ['group', 'kind', 'namespace'] }), { minItems: 1, maxItems: 16 }),
      to: list('Objects that may be referred to.', object('A kind, or one object of it.', { group: string('Group.', { maxLength: 253 }), kind: string('Kind.', { minLength: 1, maxLength: 63 }), name: string('Name; all when absent.', NAME) }, { required: ['group', 'kind'] }), { minItems: 1, maxItems: 16 }),
    },
    { required: ['from', 'to'] },
  ),
}); // prettier-ignore

export const gatewaySchemas: readonly KindSchema[] = [
  kind('HTTPRoute', routeOf('Routes from requests to Services.', httpRule)),
  kind('GRPCRoute', routeOf('Routes from gRPC calls to Services.', grpcRule)),
  kind(
    'Gateway',
    object(
      'Listeners to which routes are attached.',
      {
        spec: object(
          'The listeners.',
          {
            gatewayClassName: string('Class of the gateway.', NAME),
            listeners: list('The listeners.', listener, { minItems: 1, maxItems: 64 }),
            addresses: list('Addresses that are asked for.', anything('An address.'), { maxItems: 16 }),
            infrastructure: anything('Labels and annotations of what is made for it.'),
            allowedListeners: anything('Listeners of other objects.'),
            backendTLS: anything('TLS towards backends.'),
            tls: anything('TLS of all listeners.'),
            defaultScope: string('Whether routes are attached that name no gateway.'),
          },
          { required: ['gatewayClassName', 'listeners'] },
        ),
        status: anything('Set by the server.'),
      },
      { required: ['spec'] },
    ),
  ),
  kind('ReferenceGrant', referenceGrant),
  kind('ReferenceGrant', referenceGrant, 'v1beta1'),
  {
    ...kind('GatewayClass', object('A sort of gateways.', { spec: object('The sort.', { controllerName: string('Controller that serves it.', { minLength: 1, maxLength: 253 }) }, { required: ['controllerName'], ...open }), status: anything('Set by the server.') }, { required: ['spec'] })),
    scope: 'Cluster',
  },
]; // prettier-ignore
