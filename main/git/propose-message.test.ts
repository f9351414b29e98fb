import { expect, test } from 'vitest';
import { proposeMessage } from './propose-message.ts';

const object = (kind: string, name: string, spec = ''): string =>
  `apiVersion: hub.traefik.io/v1alpha1\nkind: ${kind}\nmetadata:\n  name: ${name}\nspec: {${spec}}\n`;

test('names the objects that came, changed and went, and not those that stayed', () => {
  const before = [object('API', 'store'), object('APIPlan', 'gold'), object('APIPlan', 'old')].join('---\n');
  const after = [object('API', 'store'), object('APIPlan', 'gold', 'title: Gold'), object('API', 'orders')].join(
    '---\n',
  );
  expect(proposeMessage([{ path: 'all.yaml', before, after }], 'default')).toBe(
    'Add API orders, change APIPlan gold and remove APIPlan old',
  );
});

test('an object that moved between files is no change', () => {
  const text = object('API', 'store');
  const files = [
    { path: 'a.yaml', before: text, after: null },
    { path: 'b.yaml', before: null, after: text },
  ];
  expect(proposeMessage(files, 'default')).toBe('Add b.yaml and remove a.yaml');
});

test('sums up what does not fit in a subject, and lists it below', () => {
  const files = Array.from({ length: 30 }, (_, index) => ({
    path: `p${index}.yaml`,
    before: null,
    after: object('APIPlan', `a-rather-long-plan-name-${index}`),
  }));
  const [subject = '', empty, ...body] = proposeMessage(files, 'default').split('\n');
  expect(subject).toBe('Add 30 APIPlans');
  expect(empty).toBe('');
  expect(body).toHaveLength(21);
  expect(body.at(-1)).toBe('* and 10 more');
});

test('files without manifests are named by their path', () => {
  expect(proposeMessage([{ path: 'README.md', before: 'a', after: 'b' }], 'default')).toBe('Change README.md');
});
