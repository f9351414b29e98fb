import { expect, test } from 'vitest';
import { accept, type Accepted } from './accept.ts';
import { analyze, type Analysis } from './analyze.ts';

const service = `apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { ports: [{ port: 80 }] }
`;
const route = (name: string, ...matches: string[]) => `apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: { name: ${name}, namespace: shop }
spec:
  routes:
${matches.map((match) => `    - { kind: Rule, match: ${JSON.stringify(match)}, services: [{ name: web, port: 80 }] }`).join('\n')}
`;

/** Takes states of a workspace over, one after the other. */
function takeOver(...states: Readonly<Record<string, string>>[]): { accepted: Accepted; analysis: Analysis } {
  let accepted: Accepted | undefined;
  let analysis: Analysis | undefined;
  for (const state of states) {
    const files = Object.entries({ 'service.yaml': service, ...state }).map(([path, text]) => ({ path, text }));
    analysis = analyze(files, { namespace: 'shop', previous: analysis });
    accepted = accept(analysis, accepted);
  }
  if (accepted === undefined || analysis === undefined) throw new Error('no state');
  return { accepted, analysis };
}
const routed = (...states: Readonly<Record<string, string>>[]): string[] =>
  takeOver(...states).accepted.config.routes.map(({ match }) => ('path' in match ? match.path : JSON.stringify(match)));

test('without errors the configuration is that of the analysis', () => {
  const { accepted, analysis } = takeOver({ 'a.yaml': route('a', 'Path(`/a`)') });
  expect(accepted.config).toBe(analysis.config);
});

test('of an object with an error its last version without one serves on; the rest is current', () => {
  const before = { 'a.yaml': route('a', 'Path(`/a1`)'), 'b.yaml': route('b', 'Path(`/b1`)') };
  const after = { 'a.yaml': route('a', 'Path(`/a2`'), 'b.yaml': route('b', 'Path(`/b2`)') };
  expect(routed(before, after).toSorted()).toEqual(['/a1', '/b2']);
  expect(routed(before, after, after).toSorted()).toEqual(['/a1', '/b2']);
  expect(routed(before, after, { ...after, 'a.yaml': route('a', 'Path(`/a3`)') }).toSorted()).toEqual(['/a3', '/b2']);
});

test('of a file that cannot be read all objects serve on', () => {
  const two = `${route('a', 'Path(`/a`)')}---\n${route('b', 'Path(`/b`)')}`;
  const broken = two.replaceAll('/b', '/c').replace('kind: IngressRoute', 'kind: [');
  expect(routed({ 'two.yaml': two }, { 'two.yaml': broken }).toSorted()).toEqual(['/a', '/b']);
});

test('what was deleted is gone, whatever else is wrong', () => {
  const broken = { 'b.yaml': route('b', 'Path(') };
  expect(routed({ 'a.yaml': route('a', 'Path(`/a`)'), 'b.yaml': route('b', 'Path(`/b`)') }, broken)).toEqual(['/b']);
  expect(routed({ 'b.yaml': route('b', 'Path(`/b`)') }, {}, broken)).toEqual([]);
});

test('what never was right: the gateway leaves out the broken route, the API server the whole object', () => {
  expect(routed({ 'a.yaml': route('a', 'Path(', 'Path(`/fine`)') })).toEqual(['/fine']);
  const unknown = route('a', 'Path(`/fine`)').replace('kind: Rule', 'kind: Nonsense');
  expect(routed({ 'a.yaml': unknown })).toEqual([]);
});

test('a version that never was right does not hold back the next', () => {
  const first = route('a', 'Path(', 'Path(`/one`)');
  const second = route('a', 'Path(', 'Path(`/two`)');
  expect(routed({ 'a.yaml': first }, { 'a.yaml': second })).toEqual(['/two']);
});
