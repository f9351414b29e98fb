import { createServer } from 'node:net';
import { once } from 'node:events';
import { chmod, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createKube } from '../../main/kube/create-kube.ts';
import type { KubePort } from '../../main/kube/port.ts';
import { kubeconfigText, startApiServer } from './api-server.ts';
import type { ApiServer } from './api-server.ts';
import { kubeBinaries } from './binaries.ts';
import { documentsOf } from './documents.ts';
import { until } from './until.ts';

const FILE = `apiVersion: traefik.io/v1alpha1
kind: Middleware
metadata:
  name: strip
spec:
  stripPrefix:
    prefixes:
      - /pets
---
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata:
  name: pets
spec:
  routes:
    - match: Host(\`pets.localhost\`)
      middlewares:
        - name: strip
      services:
        - name: pets
          port: 80
---
apiVersion: v1
kind: Service
metadata:
  name: pets
spec:
  ports:
    - port: 80
      targetPort: 8080
---
apiVersion: v1
kind: Secret
metadata:
  name: keys
stringData:
  key: not-to-be-read
`;
const STRIP = 'traefik.io/Middleware/default/strip';
const SERVICE = '/Service/default/pets';

const binaries = await kubeBinaries();

describe.skipIf(!binaries)('a real API server', () => {
  let server: ApiServer;
  const open: KubePort[] = [];

  beforeAll(async () => {
    if (!binaries) return;
    server = await startApiServer(binaries, ['reader', 'nobody']);
    await server.kubectl(['apply', '--server-side', '-f', join(import.meta.dirname, 'fixtures', 'traefik-crds.yaml')]);
    await server.kubectl([
      'wait',
      '--for=condition=Established',
      '--timeout=30s',
      'crd/ingressroutes.traefik.io',
      'crd/middlewares.traefik.io',
    ]);
    await until('the Middleware kind is served', async () =>
      (await server.kubectl(['api-resources', '--api-group=traefik.io'])).includes('middlewares'),
    );
    await server.kubectl([
      'create',
      'role',
      'reader',
      '--verb=get,list,watch',
      '--resource=services,middlewares.traefik.io',
    ]);
    await server.kubectl(['create', 'rolebinding', 'reader', '--role=reader', '--user=reader']);
  });
  afterEach(async () => {
    for (const kube of open.splice(0)) await kube.close();
    await server.kubectl(['delete', 'middleware,ingressroute,secret,ingress', '--all', '--wait=false']);
    await server.kubectl(['delete', 'service', 'pets', '--ignore-not-found']);
  });
  afterAll(async () => await server?.stop());

  function kubeOf(kubeconfig = server.kubeconfig): KubePort {
    const kube = createKube({ env: { ...process.env, KUBECONFIG: kubeconfig } });
    open.push(kube);
    return kube;
  }

  async function connected(context = 'admin'): Promise<KubePort> {
    const kube = kubeOf();
    const state = await kube.connect(context);
    if (!state.ok) throw new Error(JSON.stringify(state.error));
    return kube;
  }

  it('lists the contexts without a word over the network, and knows its state', async () => {
    const kube = kubeOf();
    const contexts = await kube.contexts();
    expect(contexts.ok && contexts.value).toMatchObject({ current: 'admin', files: [server.kubeconfig], messages: [] });
    expect(contexts.ok && contexts.value.contexts.map(({ name, server: url }) => [name, url])).toEqual(
      ['admin', 'reader', 'nobody'].map((name) => [name, server.url]),
    );
    expect(kube.state()).toEqual({ state: 'off', unreadable: [], liveSchemas: false });
    expect(await kube.connect('admin')).toMatchObject({
      ok: true,
      value: {
        state: 'connected',
        context: 'admin',
        unreadable: [],
        liveSchemas: true,
        serverVersion: expect.stringMatching(/^v1\./) as string,
      },
    });
    expect(
      kube
        .liveCrds()
        .map((crd) => (crd['metadata'] as { name: string }).name)
        .toSorted(),
    ).toEqual(['ingressroutes.traefik.io', 'middlewares.traefik.io']);
  });

  it('says of each object whether it is in the files, in the cluster, the same or drifted', async () => {
    const documents = documentsOf(FILE);
    const kube = await connected();
    const states = () =>
      Object.fromEntries([...kube.objectStates(documents)].map(([id, { state }]) => [id.replace(/^.*?\//, ''), state]));
    expect(states()).toEqual({
      'Middleware/default/strip': 'file',
      'IngressRoute/default/pets': 'file',
      'Service/default/pets': 'file',
      'Secret/default/keys': 'file',
    });
    await server.kubectl(['apply', '-f', '-'], { stdin: FILE });
    await server.kubectl(['apply', '-f', '-'], { stdin: FILE.split('---')[0]!.replace('name: strip', 'name: other') });
    await until(
      'all objects are the same',
      () => Object.values(states()).filter((state) => state === 'same').length === 4,
    );
    expect(states()['Middleware/default/other']).toBe('cluster');
    await server.kubectl([
      'patch',
      'service',
      'pets',
      '--type=json',
      '-p',
      '[{"op":"replace","path":"/spec/ports/0/targetPort","value":9090}]',
    ]);
    await until('the service drifted', () => states()['Service/default/pets'] === 'drifted');
    await server.kubectl(['delete', 'middleware', 'strip']);
    await until('the middleware is gone', () => states()['Middleware/default/strip'] === 'file');
  });

  it('names who changed a field after kubectl edit, and shows both sides', async () => {
    const documents = documentsOf(FILE);
    await server.kubectl(['apply', '--server-side', '-f', '-'], { stdin: FILE });
    const kube = await connected();
    expect(kube.objectStates(documents).get(STRIP)?.state).toBe('same');
    await server.kubectl(['edit', 'middleware', 'strip'], { env: { KUBE_EDITOR: `sed -i s,/pets,/animals,` } });
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
    await server.kubectl(['apply', '-f', '-'], { stdin: FILE });
    const kube = await connected();
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
    await server.kubectl(['apply', '-f', '-'], { stdin: FILE });
    const kube = await connected();
    const live = kube.live('/Secret/default/keys');
    expect(live?.ref.name).toBe('keys');
    const text = JSON.stringify(live);
    expect(text).not.toContain('not-to-be-read');
    expect(text).not.toContain(Buffer.from('not-to-be-read').toString('base64'));
    const drift = kube.drift('/Secret/default/keys', documentsOf(FILE)[3]);
    expect(JSON.stringify(drift)).not.toContain('not-to-be-read');
  });

  it('dry-runs a file: accepted, unchanged, and refused in the words of the server at the right line', async () => {
    const kube = await connected();
    const first = await kube.dryRun(documentsOf(FILE));
    expect(first.ok && first.value.map(({ verdict }) => verdict)).toEqual([
      'accepted',
      'accepted',
      'accepted',
      'accepted',
    ]);
    expect(await server.kubectl(['get', 'middleware', '-o', 'name'])).toBe('');
    await server.kubectl(['apply', '-f', '-'], { stdin: FILE });
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
    await server.kubectl(['apply', '-f', '-'], { stdin: FILE });
    await server.kubectl([
      'patch',
      'service',
      'pets',
      '--type=json',
      '-p',
      '[{"op":"replace","path":"/spec/ports/0/targetPort","value":9090}]',
      '--field-manager=gitops',
    ]);
    const kube = await connected();
    const service = documentsOf(FILE).filter(({ id }) => id === SERVICE);
    const result = await kube.dryRun(service);
    expect(result.ok && result.value[0]).toMatchObject({
      verdict: 'refused',
      causes: [{ type: 'FieldManagerConflict', line: 30 }],
    });
    expect(result.ok && result.value[0]?.message).toContain('conflict with "gitops"');
  });

  it('lists the kinds that a user may not read, with the words of the server, and works with the rest', async () => {
    await server.kubectl(['apply', '-f', '-'], { stdin: FILE });
    const kube = await connected('reader');
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
    await server.kubectl([
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
    const kube = await connected();
    let changes = 0;
    const stop = kube.onChange((what) => {
      if (what === 'objects') changes += 1;
    });
    const many = Array.from({ length: 30 }, (_, index) =>
      FILE.split('---')[0]!.replace('name: strip', `name: strip-${index}`),
    );
    await server.kubectl(['create', '-f', '-'], { stdin: many.join('---\n') });
    await until('all are seen', () => kube.objectStates([]).size === 30);
    expect(changes).toBeGreaterThan(0);
    expect(changes).toBeLessThan(30);
    stop();
  });

  it('says clearly that a token is refused', async () => {
    const kubeconfig = join(server.dir, 'expired');
    await writeFile(kubeconfig, kubeconfigText(server.url, server.caFile, new Map([['admin', 'expired-token']])));
    const kube = kubeOf(kubeconfig);
    const result = await kube.connect('admin');
    expect(result).toMatchObject({ ok: false, error: { code: 'kube-unauthorized' } });
    expect(kube.state()).toMatchObject({ state: 'failed', context: 'admin', error: { code: 'kube-unauthorized' } });
  });

  it('says in bounded time that nothing listens, that nothing answers, and that the certificate does not fit', async () => {
    const silent = createServer(() => undefined);
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const address = silent.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const kubeconfig = join(server.dir, 'unreachable');
    const tokens = new Map([['admin', 'admin-token']]);
    try {
      await writeFile(kubeconfig, kubeconfigText(`https://127.0.0.1:${port}`, server.caFile, tokens));
      const quiet = createKube({ env: { KUBECONFIG: kubeconfig }, requestTimeoutMs: 500 });
      open.push(quiet);
      expect(await quiet.connect('admin')).toMatchObject({ ok: false, error: { code: 'kube-timeout' } });
    } finally {
      silent.close();
    }
    await writeFile(kubeconfig, kubeconfigText('https://127.0.0.1:1', server.caFile, tokens));
    const nothing = await kubeOf(kubeconfig).connect('admin');
    expect(nothing).toMatchObject({ ok: false, error: { code: 'kube-unreachable' } });
    expect(!nothing.ok && nothing.error.message).toMatch(
      /ECONNREFUSED.*cluster test \(https:\/\/127\.0\.0\.1:1\/\) as user admin/,
    );
    await writeFile(
      kubeconfig,
      (await readFile(server.kubeconfig, 'utf8')).replace(/ +certificate-authority: .*\n/, ''),
    );
    expect(await kubeOf(kubeconfig).connect('admin')).toMatchObject({ ok: false, error: { code: 'kube-tls' } });
  });

  it('keeps the last good contexts while a kubeconfig is half written, and reads it when it is whole', async () => {
    const kubeconfig = join(server.dir, 'rewritten');
    const whole = await readFile(server.kubeconfig, 'utf8');
    await writeFile(kubeconfig, whole);
    const kube = kubeOf(kubeconfig);
    const names = async () => {
      const contexts = await kube.contexts();
      return contexts.ok
        ? { names: contexts.value.contexts.map(({ name }) => name), messages: contexts.value.messages }
        : contexts;
    };
    expect(await names()).toEqual({ names: ['admin', 'reader', 'nobody'], messages: [] });
    await writeFile(kubeconfig, `${whole.slice(0, whole.indexOf('users:'))}users: [{name: `);
    expect(await names()).toEqual({
      names: ['admin', 'reader', 'nobody'],
      messages: [expect.stringContaining('its last good state is shown') as string],
    });
    await writeFile(`${kubeconfig}.new`, whole.replaceAll('nobody', 'somebody'));
    await rename(`${kubeconfig}.new`, kubeconfig);
    expect(await names()).toEqual({ names: ['admin', 'reader', 'somebody'], messages: [] });
  });

  it('goes on after the server was away: says so, keeps what it had, and sees what changed then', async () => {
    await server.kubectl(['apply', '-f', '-'], { stdin: FILE });
    const kube = await connected();
    await server.restart(async () => {
      await until('the loss is told', () => kube.state().state === 'connecting');
      expect(kube.state()).toMatchObject({ context: 'admin', error: { code: 'kube-unreachable' } });
      expect(kube.objectStates(documentsOf(FILE)).get(STRIP)?.state).toBe('same');
    });
    await server.kubectl(['delete', 'middleware', 'strip']);
    await until('the deletion is seen', () => kube.objectStates(documentsOf(FILE)).get(STRIP)?.state === 'file');
    await until('all is well again', () => kube.state().state === 'connected');
    expect(kube.state().unreadable).toEqual([]);
  });

  it('runs an exec plugin once for all requests of a connection', async () => {
    const plugin = join(server.dir, 'plugin');
    const answer = {
      kind: 'ExecCredential',
      apiVersion: 'client.authentication.k8s.io/v1',
      status: { token: 'admin-token' },
    };
    await writeFile(plugin, `#!/bin/sh\necho run >> "${plugin}.runs"\necho '${JSON.stringify(answer)}'\n`);
    await chmod(plugin, 0o755);
    const kubeconfig = join(server.dir, 'exec');
    const exec = `exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin, interactiveMode: Never}`;
    const text = kubeconfigText(server.url, server.caFile, new Map([['admin', 'x']])).replace('token: x', exec);
    await writeFile(kubeconfig, text);
    expect(await kubeOf(kubeconfig).connect('admin')).toMatchObject({ ok: true, value: { state: 'connected' } });
    expect(await readFile(`${plugin}.runs`, 'utf8')).toBe('run\n');
  });

  it('connects to the context that was chosen last', async () => {
    const kube = kubeOf();
    const [first, second] = await Promise.all([kube.connect('reader'), kube.connect('admin')]);
    expect(first).toMatchObject({ ok: false, error: { code: 'kube-cancelled' } });
    expect(second).toMatchObject({ ok: true, value: { state: 'connected', context: 'admin' } });
  });

  it('can be cancelled while it connects', async () => {
    const kube = kubeOf();
    const abort = new AbortController();
    const connecting = kube.connect('admin', abort.signal);
    abort.abort();
    expect(await connecting).toMatchObject({ ok: false, error: { code: 'kube-cancelled' } });
    expect(kube.state().state).toBe('failed');
  });

  it('forgets the cluster on disconnect', async () => {
    const kube = await connected();
    expect(kube.disconnect()).toEqual({ state: 'off', unreadable: [], liveSchemas: false });
    expect(kube.objectStates(documentsOf(FILE)).size).toBe(0);
    expect(await kube.dryRun(documentsOf(FILE))).toMatchObject({ ok: false, error: { code: 'kube-not-connected' } });
  });
});
