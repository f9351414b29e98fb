import { expect, test } from 'vitest';
import { analyze } from '../../shared/manifests/index.ts';
import type { ObjectClusterState } from '../kube/port.ts';
import { joinStates } from './join-states.ts';
import { selectManifests } from './select-manifests.ts';

const service = (name: string, spec: string): string =>
  `apiVersion: v1\nkind: Service\nmetadata:\n  name: ${name}\nspec:\n  ${spec}\n`;
const good = 'ports: [{port: 80}]';
const text = [
  service('same', good),
  service('drifted', good),
  service('only-here', good),
  service('broken', 'ports: nonsense'),
].join('---\n');
const ref = (name: string): ObjectClusterState['ref'] => ({
  apiVersion: 'v1',
  kind: 'Service',
  namespace: 'default',
  name,
});

test('every object is there once, with what files and cluster say of it', () => {
  const { documents, diagnostics } = analyze([{ path: 'all.yaml', text }], { namespace: 'default' });
  const cluster = new Map<string, ObjectClusterState>([
    ['/Service/default/same', { ref: ref('same'), state: 'same', drift: 0 }],
    ['/Service/default/drifted', { ref: ref('drifted'), state: 'drifted', drift: 2 }],
    ['/Service/default/broken', { ref: ref('broken'), state: 'same', drift: 0 }],
    ['/Service/default/only-there', { ref: ref('only-there'), state: 'cluster', drift: 0 }],
  ]);
  expect(joinStates(documents, diagnostics, cluster)).toMatchObject([
    { ref: { name: 'same' }, file: 'all.yaml', line: 1, state: 'same' },
    { ref: { name: 'drifted' }, state: 'drifted', drift: 2 },
    { ref: { name: 'only-here' }, state: 'file' },
    { ref: { name: 'broken' }, state: 'broken' },
    { ref: { name: 'only-there' }, state: 'cluster' },
  ]);
});

test('`manifests:` names files and folders; without it everything but adit.yaml is read', () => {
  const texts = new Map(['adit.yaml', 'apis/a.yaml', 'apis-old/b.yaml', 'c.yaml'].map((path) => [path, '']));
  const chosen = (manifests?: string[]): string[] => selectManifests(texts, manifests).map(({ path }) => path);
  expect(chosen()).toEqual(['apis-old/b.yaml', 'apis/a.yaml', 'c.yaml']);
  expect(chosen(['./apis/'])).toEqual(['apis/a.yaml']);
  expect(chosen(['c.yaml', 'apis'])).toEqual(['apis/a.yaml', 'c.yaml']);
  expect(chosen(['.'])).toHaveLength(3);
  expect(chosen([])).toEqual([]);
});
