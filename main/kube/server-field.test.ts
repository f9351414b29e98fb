import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatPath } from '../../shared/manifests/field-path.ts';
import { fieldsInMessage, parseServerField } from './server-field.ts';

const value = {
  metadata: { labels: { 'app.kubernetes.io/name': 'x', app: 'y' } },
  spec: {
    ports: [
      { port: 80, name: 'a' },
      { port: 443, protocol: 'TCP', name: 'b' },
    ],
  },
};

describe('a field in the notation of the server', () => {
  it.for<[string, (string | number)[]]>([
    ['spec.ports[1].name', ['spec', 'ports', 1, 'name']],
    ['.spec.ports[port=443,protocol="TCP"].name', ['spec', 'ports', 1, 'name']],
    ['.spec.ports[port=80,protocol="TCP"].name', ['spec', 'ports', 0, 'name']],
    ['.spec.ports[port=1].name', ['spec', 'ports']],
    ['metadata.labels[app.kubernetes.io/name]', ['metadata', 'labels', 'app.kubernetes.io/name']],
    ['.metadata.labels.app.kubernetes.io/name', ['metadata', 'labels', 'app.kubernetes.io/name']],
    ['metadata.annotations["a]b"].c', ['metadata', 'annotations', 'a]b', 'c']],
    ['<nil>', ['<nil>']],
    ['', []],
  ])('%s', ([field, path]) => {
    expect(parseServerField(field, value)).toEqual(path);
  });

  it('is read back from what formatPath wrote', () => {
    const word = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9]{0,6}$/);
    fc.assert(
      fc.property(word, fc.array(fc.oneof(word, fc.nat(99)), { maxLength: 5 }), (first, rest) => {
        expect(parseServerField(formatPath([first, ...rest]), undefined)).toEqual([first, ...rest]);
      }),
    );
  });

  it('ends for any text', () => {
    fc.assert(
      fc.property(
        fc.string(),
        (text) => Array.isArray(parseServerField(text, value)) && Array.isArray(fieldsInMessage(text)),
      ),
    );
  });
});

it('finds the field in messages that have no list of causes', () => {
  expect(fieldsInMessage('strict decoding error: unknown field "spec.a[0].b", duplicate field "spec.c"')).toEqual([
    'spec.a[0].b',
    'spec.c',
  ]);
  expect(
    fieldsInMessage(
      'failed to create typed patch object (default/x; g/v, Kind=K): .spec.x[name="a b"].y: field not declared in schema',
    ),
  ).toEqual(['.spec.x[name="a b"].y']);
});
