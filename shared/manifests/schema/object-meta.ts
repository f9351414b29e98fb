import { anything, boolean, integer, list, object, string, stringMap, strings } from './short.ts';
import type { Structural } from './structural.ts';

/** `metadata` of every object. */
export const objectMeta: Structural = object('Name, namespace, labels and annotations of the object.', {
  name: string('Name, unique for its kind within the namespace.'),
  generateName: string('Beginning of a name that the server completes.'),
  namespace: string('Namespace of the object.'),
  labels: stringMap('Labels, by which selectors choose objects.'),
  annotations: stringMap('Notes for programs, such as `hub.traefik.io/api`.'),
  finalizers: strings('What must be done before the object is deleted.'),
  ownerReferences: list('Objects that this one belongs to.', anything('An owner.')),
  uid: string('Set by the server.'),
  resourceVersion: string('Set by the server.'),
  generation: integer('Set by the server.'),
  creationTimestamp: string('Set by the server.', { nullable: true }),
  deletionTimestamp: string('Set by the server.', { nullable: true }),
  deletionGracePeriodSeconds: integer('Set by the server.'),
  selfLink: string('Set by old servers.'),
  managedFields: list('Set by the server.', anything('A field manager.')),
  clusterName: { ...boolean('Set by old servers.'), type: 'string' },
});
