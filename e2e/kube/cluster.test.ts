import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { kubeBinaries } from './binaries.ts';
import { documentsOf } from './documents.ts';
import { FILE, SERVICE, startRealCluster, STRIP } from './real-cluster.ts';
import type { RealCluster } from './real-cluster.ts';
import { until } from './until.ts';

const binaries = await kubeBinaries();

describe.skipIf(!binaries)('objects of a real API server', () => {
  let cluster: RealCluster;
  beforeAll(async () => {
    if (binaries) cluster = await startRealCluster(binaries);
  });
  afterEach(async () => await cluster.clean());
  afterAll(async () => await cluster?.stop());

  it('says of each object whether it is in the files, in the cluster, the same or drifted', async () => {
    const documents = documentsOf(FILE);
    const kube = await cluster.connected();
    const states = () =>
      Object.fromEntries([...kube.objectStates(documents)].map(([id, { state }]) => [id.replace(/^.*?\//, ''), state]));
    expect(states()).toEqual({
      'Middleware/default/strip': 'file',
      'IngressRoute/default/pets': 'file',
      'Service/default/pets': 'file',
      'Secret/default/keys': 'file',
    });
    await cluster.server.kubectl(['apply', '-f', '-'], { stdin: FILE });
    await cluster.server.kubectl(['apply', '-f', '-'], {
      stdin: FILE.split('---')[0]!.replace('name: strip', 'name: other'),
    });
    await until(
      'all objects are the same',
      () => Object.values(states()).filter((state) => state === 'same').length === 4,
    );
    expect(states()['Middleware/default/other']).toBe('cluster');
    await cluster.server.kubectl([
      'patch',
      'service',
      'pets',
      '--type=json',
      '-p',
      '[{"op":"replace","path":"/spec/ports/0/targetPort","value":9090}]',
    ]);
    await until('the service drifted', () => states()['Service/default/pets'] === 'drifted');
    await cluster.server.kubectl(['delete', 'middleware', 'strip']);
    await until('the middleware is gone', () => states()['Middleware/default/strip'] === 'file');
  });

  it('names who changed a field after kubectl edit, and shows both sides', async () => {
    const documents = documentsOf(FILE);
    await cluster.server.kubectl(['apply', '--server-side', '-f', '-'], { stdin: FILE });
    const kube = await cluster.connected();
    expect(kube.objectStates(documents).get(STRIP)?.state).toBe('same');
    await cluster.server.kubectl(['edit', 'middleware', 'strip'], { env: { KUBE_EDITOR: `sed -i s,/pets,/animals,` } });
    await until('the middleware drifted', () => kube.objectStates(documents).get(STRIP)?.state === 'drifted');
    const drift = kube.drift(STRIP, documents[0]);
    expect(drift.ok && drift.value.fields).toEqual([
      { path: 'spec.stripPrefix.prefixes[0]', file: '/pets', live: '/animals', owner: 'kubectl-edit' },
    ]);
    expect(drift.ok && drift.value.file).toContain('- /pets\n');
    expect(drift.ok && drift.value.live).toBe(
      (drift.ok &&
        drift.value.file
          ?.replace('name: strip\n', 'name: strip\n  namespace: default\n')
          .replace('/pets', '/animals')) ||
        '',
    );
  });

  it('sees a field that was applied and then taken out of the file, but not what the server set', async () => {
    await cluster.server.kubectl(['apply', '-f', '-'], { stdin: FILE });
    const kube = await cluster.connected();
    const [, , service] = documentsOf(
      FILE.replace('      targetPort: 8080\n', '').replace(
        'kind: Service\nmetadata:\n',
        'kind: Service\nmetadata:\n  labels: { team: pets }\n',
      ),
    );
    const drift = kube.drift(SERVICE, service);
    expect(drift.ok && drift.value.fields).toEqual([
      { path: 'metadata.labels', file: '{"team":"pets"}' },
      { path: 'spec.ports[0].targetPort', live: '8080', owner: 'kubectl-client-side-apply' },
    ]);
  });

  it('never holds the data of a Secret', async () => {
    await cluster.server.kubectl(['apply', '-f', '-'], { stdin: FILE });
    const kube = await cluster.connected();
    const live = kube.live('/Secret/default/keys');
    expect(live?.ref.name).toBe('keys');
    const text = JSON.stringify(live);
    expect(text).not.toContain('not-to-be-read');
    expect(text).not.toContain(Buffer.from('not-to-be-read').toString('base64'));
    const drift = kube.drift('/Secret/default/keys', documentsOf(FILE)[3]);
    expect(JSON.stringify(drift)).not.toContain('not-to-be-read');
  });

  it('dry-runs a file: accepted, unchanged, and refused in the words of the server at the right line', async () => {
    const kube = await cluster.connected();
    const first = await kube.dryRun(documentsOf(FILE));
    expect(first.ok && first.value.map(({ verdict }) => verdict)).toEqual([
      'accepted',
      'accepted',
      'accepted',
      'accepted',
    ]);
    expect(await cluster.server.kubectl(['get', 'middleware', '-o', 'name'])).toBe('');
    await cluster.server.kubectl(['apply', '-f', '-'], { stdin: FILE });
    const second = await kube.dryRun(documentsOf(FILE));
    expect(second.ok && second.value.map(({ verdict }) => verdict)).toEqual([
      'unchanged',
      'unchanged',
      'unchanged',
      'accepted',
    ]);

    const broken = documentsOf(`apiVersion: traefik.io/v1alpha1
kind: Middleware
metadata:
  name: rule
spec:
  stripPrefix:
    prefixes:
      - pets
---
apiVersion: traefik.io/v1alpha1
kind: Middleware
metadata:
  name: unknown
spec:
  stripPrefix:
    prefixes:
      - /pets
    prefix: /typo
---
apiVersion: traefik.io/v1alpha1
kind: Middleware
metadata:
  name: range
spec:
  headers:
    accessControlMaxAge: -1
---
apiVersion: v1
kind: Service
metadata:
  name: port
spec:
  ports:
    - port: 80
      name: a
    - port: 123456
      name: b
---
apiVersion: example.com/v1
kind: Nothing
metadata:
  name: nothing
---
apiVersion: traefik.io/v1alpha1
kind: Middleware
metadata:
  name: elsewhere
  namespace: not-there
spec: {}
`);
    const refused = await kube.dryRun(broken);
    if (!refused.ok) throw new Error(refused.error.message);
    const [rule, unknown, range, port, nothing, elsewhere] = refused.value;
    expect(rule).toMatchObject({ verdict: 'refused', causes: [{ field: 'spec.stripPrefix', line: 6 }] });
    expect(rule?.message).toContain('each prefix must start with a slash');
    expect(unknown).toMatchObject({ verdict: 'refused', causes: [{ field: 'spec.stripPrefix.prefix', line: 18 }] });
    expect(unknown?.message).toContain('field not declared in schema');
    expect(range).toMatchObject({
      verdict: 'refused',
      causes: [{ field: 'spec.headers.accessControlMaxAge', line: 26 }],
    });
    expect(port).toMatchObject({
      verdict: 'refused',
      causes: [
        {
          field: 'spec.ports[1].port',
          line: 36,
          message: 'Invalid value: 123456: must be between 1 and 65535, inclusive',
        },
        { field: 'spec.ports[1].targetPort', line: 36 },
      ],
    });
    expect(nothing).toMatchObject({ verdict: 'unsupported', line: 39 });
    expect(elsewhere).toMatchObject({ verdict: 'refused', message: 'namespaces "not-there" not found' });
  });

  it('refuses in a dry run what another manager owns, with its name', async () => {
    await cluster.server.kubectl(['apply', '-f', '-'], { stdin: FILE });
    await cluster.server.kubectl([
      'patch',
      'service',
      'pets',
      '--type=json',
      '-p',
      '[{"op":"replace","path":"/spec/ports/0/targetPort","value":9090}]',
      '--field-manager=gitops',
    ]);
    const kube = await cluster.connected();
    const service = documentsOf(FILE).filter(({ id }) => id === SERVICE);
    const result = await kube.dryRun(service);
    expect(result.ok && result.value[0]).toMatchObject({
      verdict: 'refused',
      causes: [{ type: 'FieldManagerConflict', line: 30 }],
    });
    expect(result.ok && result.value[0]?.message).toContain('conflict with "gitops"');
  });

  it('lists the kinds that a user may not read, with the words of the server, and works with the rest', async () => {
    await cluster.server.kubectl(['apply', '-f', '-'], { stdin: FILE });
    const kube = await cluster.connected('reader');
    const state = kube.state();
    expect(state.state).toBe('connected');
    expect(state.unreadable.map(({ kind }) => kind).toSorted()).toEqual([
      'CustomResourceDefinition',
      'Ingress',
      'IngressRoute',
      'Secret',
    ]);
    expect(state.unreadable.find(({ kind }) => kind === 'IngressRoute')?.reason).toContain(
      'User "reader" cannot list resource "ingressroutes"',
    );
    expect(state.liveSchemas).toBe(false);
    const states = kube.objectStates(documentsOf(FILE));
    expect(states.get(STRIP)?.state).toBe('same');
    expect(states.get(SERVICE)?.state).toBe('same');
    expect(states.has('traefik.io/IngressRoute/default/pets')).toBe(false);
    await cluster.server.kubectl([
      'patch',
      'middleware',
      'strip',
      '--type=merge',
      '-p',
      '{"spec":{"stripPrefix":{"prefixes":["/x"]}}}',
    ]);
    await until(
      'the reader sees the change',
      () => kube.objectStates(documentsOf(FILE)).get(STRIP)?.state === 'drifted',
    );
  });

  it('reports changes in batches', async () => {
    const kube = await cluster.connected();
    let changes = 0;
    const stop = kube.onChange((what) => {
      if (what === 'objects') changes += 1;
    });
    const many = Array.from({ length: 30 }, (_, index) =>
      FILE.split('---')[0]!.replace('name: strip', `name: strip-${index}`),
    );
    await cluster.server.kubectl(['create', '-f', '-'], { stdin: many.join('---\n') });
    await until('all are seen', () => kube.objectStates([]).size === 30);
    expect(changes).toBeGreaterThan(0);
    expect(changes).toBeLessThan(30);
    stop();
  });
});
