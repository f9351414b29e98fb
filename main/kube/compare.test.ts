import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compare } from './compare.ts';
import type { KubeObject } from './port.ts';

const crd = (spec: unknown, metadata: object = {}): KubeObject => ({
  apiVersion: 'hub.traefik.io/v1alpha1',
  kind: 'API',
  metadata: { name: 'a', ...metadata },
  spec,
});
const service = (spec: unknown, metadata: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'a', ...metadata },
  spec,
});
const managed = (manager: string, fieldsV1: object, operation = 'Update') => ({
  manager,
  operation,
  apiVersion: 'v1',
  fieldsType: 'FieldsV1',
  fieldsV1,
});
const applied = (object: KubeObject) => ({
  annotations: { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(object) },
});
const ports = (...keys: { port: number; protocol: string }[]) => ({
  'f:spec': {
    'f:ports': Object.fromEntries(keys.map((key) => [`k:${JSON.stringify(key)}`, { '.': {}, 'f:port': {} }])),
  },
});

describe('same', () => {
  const table: [why: string, file: KubeObject, live: KubeObject][] = [
    ['what the server set is not in the file', crd({ title: 'x' }), crd({ title: 'x', cors: { maxAge: 0 } }, { uid: 'u', resourceVersion: '7', generation: 2 })],
    ['status is the server’s', { ...crd({}), status: { a: 1 } }, { ...crd({}), status: { a: 2 } }],
    ['defaults inside items of a list', crd({ l: [{ a: 1 }] }), crd({ l: [{ a: 1, protocol: 'TCP' }] })],
    ['an empty map or list may be dropped', crd({ m: {}, l: [], n: { m: {} } }), crd({})],
    ['a number where the server keeps a string, and the other way round', service({ a: 80, b: '80' }), service({ a: '80', b: 80 })],
    ['quantities in their shortest form', service({ limits: { cpu: '1000m', memory: '1024Mi' } }), service({ limits: { cpu: '1', memory: '1Gi' } })],
    ['zero values that Kubernetes’ own types drop', service({ a: false, b: '', c: 0 }), service({})],
    ['null asks for the default', crd({ a: null }), crd({ a: 5 })],
    ['items of another manager in a list with keys', service({ ports: [{ port: 80 }] }), service({ ports: [{ port: 443, protocol: 'TCP' }, { port: 80, protocol: 'TCP' }] }, { managedFields: [managed('kubectl', ports({ port: 80, protocol: 'TCP' }), 'Apply'), managed('mesh', ports({ port: 443, protocol: 'TCP' }))] })],
    ['another manager’s label', crd({}, { labels: { a: '1' } }), crd({}, { labels: { a: '1', b: '2' } })],
    ['a field that another manager applied', crd({}), crd({ a: 1 }, { managedFields: [managed('gitops', { 'f:spec': { 'f:a': {} } }, 'Apply')] })],
    ['the data of a Secret is not looked at', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' }, stringData: { k: 'v' }, type: 'Opaque' }, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' } }],
  ]; // prettier-ignore
  it.for(table)('%s', ([, file, live]) => {
    expect(compare(file, live)).toEqual({ same: true, fields: [] });
  });
});

describe('drifted', () => {
  const byApply = {
    managedFields: [managed('adit', { 'f:spec': { 'f:a': {}, 'f:m': { 'f:x': {}, 'f:y': {} } } }, 'Apply')],
  };
  const table: [why: string, file: KubeObject, live: KubeObject, fields: object[]][] = [
    ['another value, with who set it', crd({ title: 'x' }), crd({ title: 'y' }, { managedFields: [managed('kubectl-edit', { 'f:spec': { 'f:title': {} } })] }), [{ path: 'spec.title', file: 'x', live: 'y', owner: 'kubectl-edit' }]],
    ['a field that is missing', crd({ title: 'x' }), crd({}), [{ path: 'spec.title', file: 'x' }]],
    ['zero values of custom resources are kept', crd({ a: false }), crd({}), [{ path: 'spec.a', file: 'false' }]],
    ['a list as one value has another length', crd({ l: ['a'] }), crd({ l: ['a', 'b'] }, { managedFields: [managed('m', { 'f:spec': { 'f:l': {} } })] }), [{ path: 'spec.l', file: '["a"]', live: '["a","b"]', owner: 'm' }]],
    ['a field that adit applied and the file lost', crd({ m: { x: 1 } }), crd({ a: 1, m: { x: 1, y: 2, z: 3 } }, byApply), [{ path: 'spec.m.y', live: '2', owner: 'adit' }, { path: 'spec.a', live: '1', owner: 'adit' }]],
    ['a field that kubectl apply wrote before', crd({}), crd({ a: 1 }, applied(crd({ a: 1 }))), [{ path: 'spec.a', live: '1', owner: 'kubectl-client-side-apply' }]],
    ['an item of a list with keys', service({ ports: [{ port: 80, name: 'web' }, { port: 81 }] }), service({ ports: [{ port: 443, protocol: 'TCP' }, { port: 80, protocol: 'TCP', name: 'http' }] }, { managedFields: [managed('kubectl', ports({ port: 80, protocol: 'TCP' }, { port: 443, protocol: 'TCP' }), 'Apply')] }), [{ path: 'spec.ports[0].name', file: 'web', live: 'http' }, { path: 'spec.ports[1]', file: '{"port":81}' }, { path: 'spec.ports[0]', live: '{"port":443,"protocol":"TCP"}', owner: 'kubectl' }]],
    ['versions that only look like numbers', crd({ v: '1.0' }), crd({ v: '1.00' }), [{ path: 'spec.v', file: '1.0', live: '1.00' }]],
    ['another shape', crd({ a: { b: 1 } }), crd({ a: 'b' }), [{ path: 'spec.a', file: '{"b":1}', live: 'b' }]],
  ]; // prettier-ignore
  it.for(table)('%s', ([, file, live, fields]) => {
    const found = compare(file, live);
    expect(found.same).toBe(false);
    expect(found.fields).toHaveLength(fields.length);
    expect(found.fields).toEqual(expect.arrayContaining(fields));
  });
});

const json = fc.jsonValue({ maxDepth: 4 });
const map = fc.dictionary(fc.string({ minLength: 1, maxLength: 4 }), json, { maxKeys: 5 });

describe('any objects', () => {
  it('are the same as themselves, whoever owns their fields', () => {
    fc.assert(
      fc.property(map, map, (spec, owned) => {
        const object = crd(spec, { managedFields: [managed('adit', { 'f:spec': owned }, 'Apply')] });
        expect(compare(object, object)).toEqual({ same: true, fields: [] });
      }),
    );
  });

  it('stay the same when the server adds fields', () => {
    fc.assert(
      fc.property(map, map, (spec, more) => {
        expect(compare(crd(spec), crd({ ...more, ...spec }))).toMatchObject({ same: true });
      }),
    );
  });

  it('drift by one field when one string is changed', () => {
    fc.assert(
      fc.property(map, fc.string({ minLength: 1, maxLength: 4 }), (spec, key) => {
        const found = compare(crd({ ...spec, [key]: 'file' }), crd({ ...spec, [key]: 'live' }));
        expect(found.fields).toMatchObject([{ file: 'file', live: 'live' }]);
      }),
    );
  });

  it('never make it fail, whatever the server says', () => {
    fc.assert(
      fc.property(json, json, json, (file, live, owners) => {
        const value = compare(
          crd(file),
          crd(live, { managedFields: [owners, managed('adit', { 'f:spec': owners }, 'Apply')], annotations: owners }),
        );
        expect(value.same).toBe(value.fields.length === 0);
      }),
    );
  });
});
