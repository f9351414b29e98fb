import type { KindSchema } from './kind-schema.ts';
import { anything, integer, list, object, string, strings } from './short.ts';

const backend = object('Where requests go: a port of a Service.', {
  service: object(
    'A Service of the same namespace.',
    {
      name: string('Name of the Service.'),
      port: object('Its port, by number or by name.', {
        number: integer('Number of the port.', { minimum: 0, maximum: 65_535 }),
        name: string('Name of the port.'),
      }),
    },
    { required: ['name'] },
  ),
  resource: anything('Another object of the same namespace.'),
});

const path = object(
  'A path and where it leads.',
  {
    path: string('Path, beginning with a slash.'),
    pathType: string('How the path is compared.', { enum: ['Exact', 'Prefix', 'ImplementationSpecific'] }),
    backend,
  },
  { required: ['pathType', 'backend'] },
);

export const ingressSchemas: readonly KindSchema[] = [
  {
    group: 'networking.k8s.io',
    version: 'v1',
    kind: 'Ingress',
    names: 'subdomain',
    source: 'built-in',
    schema: object('Routes from hosts and paths to Services.', {
      spec: object('The routes.', {
        ingressClassName: string('Controller that serves the routes.'),
        defaultBackend: backend,
        rules: list(
          'Routes, by host.',
          object('Paths of a host.', {
            host: string('Host; `*.` at the beginning stands for one label.'),
            http: object('Paths.', { paths: list('Paths.', path) }, { required: ['paths'] }),
          }),
        ),
        tls: list(
          'Certificates, by host.',
          object('A certificate.', {
            hosts: strings('Hosts of the certificate.'),
            secretName: string('Secret that holds it.'),
          }),
        ),
      }),
      status: anything('Set by the server.'),
    }),
  },
];
