import type { KindSchema } from './kind-schema.ts';
import { anything, boolean, integer, intOrString, list, object, open, string, stringMap, strings } from './short.ts';

const port = object(
  'A port of the Service.',
  {
    name: string('Name by which routes may refer to the port.'),
    port: integer('Port of the Service.', { minimum: 1, maximum: 65_535 }),
    targetPort: intOrString('Port of the pods, by number or name.'),
    protocol: string('TCP, UDP or SCTP.', { enum: ['TCP', 'UDP', 'SCTP'] }),
    nodePort: integer('Port on every node.'),
    appProtocol: string('Protocol of the application.'),
  },
  { required: ['port'] },
);

/** Service, Secret and ConfigMap: what a preview reads of them; the rest is allowed as it is. */
export const coreSchemas: readonly KindSchema[] = [
  {
    group: '', version: 'v1', kind: 'Service', names: 'label', source: 'built-in',
    schema: object('Pods that answer for one name.', {
      spec: object('Ports, and the pods behind them.', {
        type: string('How the Service is reached.', { enum: ['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'] }),
        ports: list('Ports of the Service.', port),
        selector: stringMap('Labels of the pods behind the Service.'),
        externalName: string('Name outside of the cluster, for type ExternalName.'),
        clusterIP: string('Address inside of the cluster.'),
        sessionAffinity: string('Keep callers at one pod.', { enum: ['None', 'ClientIP'] }),
      }, open),
      status: anything('Set by the server.'),
    }),
  },
  {
    group: '', version: 'v1', kind: 'Secret', names: 'subdomain', source: 'built-in',
    schema: object('Confidential values.', {
      data: { description: 'Values in base64.', type: 'object', additionalProperties: { type: 'string', format: 'byte' } },
      stringData: stringMap('Values as they are; they come before those in `data`.'),
      type: string('Kind of secret, such as Opaque.'),
      immutable: boolean('Refuse changes.'),
    }),
  },
  {
    group: '', version: 'v1', kind: 'ConfigMap', names: 'subdomain', source: 'built-in',
    schema: object('Values that are not confidential.', {
      data: stringMap('Text values.'),
      binaryData: { description: 'Values in base64.', type: 'object', additionalProperties: { type: 'string', format: 'byte' } },
      immutable: boolean('Refuse changes.'),
    }),
  },
  {
    group: '', version: 'v1', kind: 'Namespace', names: 'label', scope: 'Cluster', source: 'built-in',
    schema: object('A namespace.', { spec: object('', { finalizers: strings('Set by the server.') }), status: anything('Set by the server.') }),
  },
  {
    group: 'discovery.k8s.io', version: 'v1', kind: 'EndpointSlice', names: 'subdomain', source: 'built-in',
    schema: object('Addresses behind a Service, which the label `kubernetes.io/service-name` names.', {
      addressType: string('Kind of the addresses.', { enum: ['IPv4', 'IPv6', 'FQDN'] }),
      endpoints: list('The addresses.', object('Addresses of one pod.', {
        addresses: strings('The addresses; clients take the first.'),
        conditions: object('State of the pod.', { ready: boolean('It takes calls.'), serving: boolean('It answers.'), terminating: boolean('It is about to end.') }),
        hostname: string('Name of the pod.'), nodeName: string('Node of the pod.'), zone: string('Zone of the pod.'),
        targetRef: anything('The pod.'), deprecatedTopology: stringMap('Set by old servers.'), hints: anything('Who should use it.'),
      }, { required: ['addresses'] }), { maxItems: 1000 }),
      ports: list('Ports of the addresses.', object('A port.', {
        name: string('Name of the port.'), port: integer('The port.', { minimum: 0, maximum: 65_535 }),
        protocol: string('TCP, UDP or SCTP.', { enum: ['TCP', 'UDP', 'SCTP'] }), appProtocol: string('Protocol of the application.'),
      })),
    }, { required: ['addressType'] }),
  },
]; // prettier-ignore
