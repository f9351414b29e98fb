import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKube } from '../../main/kube/create-kube.ts';
import type { KubePort } from '../../main/kube/port.ts';
import { startApiServer } from './api-server.ts';
import type { ApiServer } from './api-server.ts';
import { kubeBinaries } from './binaries.ts';
import { documentsOf } from './documents.ts';
import { installTraefikKinds } from './real-cluster.ts';
import { until } from './until.ts';

const FOLDER = join(import.meta.dirname, '..', '..', 'shared', 'crds');
const SAMPLE = join(import.meta.dirname, '..', '..', 'examples', 'petstore', 'manifests');
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml'));
/** `previews.yaml` is of a group of our own. */
const OF_HUB = FILES.filter((name) => !readFileSync(join(FOLDER, name), 'utf8').includes('group: adit.dev'));

const API = `apiVersion: hub.traefik.io/v1alpha1
kind: API
metadata:
  name: pets
spec:
  title: Pets
`;
const API_ID = 'hub.traefik.io/API/default/pets';

const binaries = await kubeBinaries();

describe.skipIf(!binaries)('our CustomResourceDefinitions in a real API server', () => {
  let server: ApiServer;
  beforeAll(async () => {
    if (binaries) server = await startApiServer(binaries);
  });
  afterAll(async () => await server?.stop());

  const open: KubePort[] = [];
  async function connected(): Promise<KubePort> {
    const kube = createKube({ env: { KUBECONFIG: server.kubeconfig } });
    open.push(kube);
    expect(await kube.connect('admin')).toMatchObject({ ok: true, value: { state: 'connected', unreadable: [] } });
    return kube;
  }
  afterAll(async () => {
    for (const kube of open) await kube.close();
  });

  it('are absent at first: an API is in the files only, and a dry run says what is missing', async () => {
    const kube = await connected();
    expect(kube.state().liveSchemas).toBe(false);
    expect(kube.objectStates(documentsOf(API)).get(API_ID)?.state).toBe('file');
    const result = await kube.dryRun(documentsOf(API));
    expect(result.ok && result.value[0]).toMatchObject({
      verdict: 'unsupported',
      message: expect.stringContaining('API in hub.traefik.io/v1alpha1') as string,
    });
  });

  it.for(FILES)('%s is accepted as a structural schema and served', async (file) => {
    const applied = await server.kubectl(['apply', '--server-side', '-f', join(FOLDER, file), '-o', 'name']);
    const name = applied.trim().replace(/^.*\//, '');
    await server.kubectl(['wait', '--for=condition=Established', '--timeout=30s', `crd/${name}`]);
    const crd = JSON.parse(await server.kubectl(['get', 'crd', name, '-o', 'json'])) as {
      status: { conditions: { type: string; status: string; message: string }[] };
    };
    expect(
      crd.status.conditions.filter(({ type, status }) => type === 'NonStructuralSchema' && status === 'True'),
    ).toEqual([]);
  });

  it('take and refuse a Preview as its rules say', async () => {
    const preview = (spec: string): string =>
      `apiVersion: adit.dev/v1alpha1\nkind: Preview\nmetadata: { name: p, namespace: default }\nspec: ${spec}\n`;
    const dryRunOf = async (spec: string): Promise<string> =>
      await server.kubectl(['create', '--dry-run=server', '-o', 'jsonpath={.spec.ttl}', '-f', '-'], {
        stdin: preview(spec),
      });
    await until('Preview is served', async () =>
      (await server.kubectl(['api-resources', '--api-group=adit.dev'])).includes('previews'),
    );
    expect(await dryRunOf('{ apis: [{ name: pets }], host: pets }')).toBe('8h');
    await expect(dryRunOf('{}')).rejects.toThrow('one of routes, apis or apiSelector must be defined');
    await expect(dryRunOf('{ apiSelector: {}, ttl: 30s }')).rejects.toThrow('must be between 1m and 720h');
    await expect(dryRunOf('{ apiSelector: {}, host: a.b }')).rejects.toThrow('should match');
    const both = '{ token: { secretName: a }, basicAuth: { secretName: a } }';
    await expect(dryRunOf(`{ apiSelector: {}, access: ${both} }`)).rejects.toThrow('mutually exclusive');
  });

  it('gives the live schemas, and the states of an API', async () => {
    await until(
      'API is served',
      async () =>
        (await server.kubectl(['api-resources', '--api-group=hub.traefik.io'])).split('\n').length > OF_HUB.length,
    );
    await server.kubectl(['apply', '-f', '-'], { stdin: API });
    // The connection of before they were installed has learned of them.
    const [before] = open;
    await until('the earlier connection has the schemas', () => before?.liveCrds().length === OF_HUB.length);
    await until(
      'the earlier connection has the API',
      () => before?.objectStates(documentsOf(API)).get(API_ID)?.state === 'same',
    );
    const kube = createKube({ env: { KUBECONFIG: server.kubeconfig } });
    try {
      expect(await kube.connect('admin')).toMatchObject({
        ok: true,
        value: { state: 'connected', unreadable: [], liveSchemas: true },
      });
      expect(kube.liveCrds()).toHaveLength(OF_HUB.length);
      expect(kube.objectStates(documentsOf(API)).get(API_ID)?.state).toBe('same');
      const changed = documentsOf(API.replace('title: Pets', 'title: Animals'));
      expect(kube.drift(API_ID, changed[0])).toMatchObject({
        ok: true,
        value: { fields: [{ path: 'spec.title', file: 'Animals', live: 'Pets', owner: 'kubectl-client-side-apply' }] },
      });
      const [refused] = await dryRun(kube, `${API}  titel: Typo\n`);
      expect(refused).toMatchObject({ verdict: 'refused', causes: [{ field: 'spec.titel', line: 7 }] });
    } finally {
      await kube.close();
    }
  });

  it('and the server accepts every object of the sample workspace', async () => {
    await installTraefikKinds(server);
    await server.kubectl(['create', 'namespace', 'petstore']);
    const texts = readdirSync(SAMPLE).map((name) => readFileSync(join(SAMPLE, name), 'utf8'));
    const documents = texts.flatMap((text) => documentsOf(text));
    const kube = createKube({ env: { KUBECONFIG: server.kubeconfig } });
    try {
      expect(await kube.connect('admin')).toMatchObject({ ok: true });
      const before = await kube.dryRun(documents);
      expect(
        before.ok && before.value.filter(({ verdict }) => verdict !== 'accepted' && verdict !== 'unchanged'),
      ).toEqual([]);
      await server.kubectl(['apply', '--server-side', '-f', SAMPLE]);
      const states = () => [...kube.objectStates(documents)];
      await until(
        'the cluster has all that the files say',
        () => states().filter(([, { state }]) => state === 'same').length === documents.length - 1,
      );
      // The Namespace is of no kind that is watched; the API of the test before is in the cluster only.
      expect(
        states()
          .filter(([, { state }]) => state !== 'same')
          .map(([id, { state }]) => [id, state]),
      ).toEqual([[API_ID, 'cluster']]);
      const after = await kube.dryRun(documents.filter(({ ref }) => ref.kind !== 'Secret' && ref.kind !== 'Namespace'));
      expect(after.ok && after.value.filter(({ verdict }) => verdict !== 'unchanged')).toEqual([]);
    } finally {
      await kube.close();
    }
  });
});

async function dryRun(kube: ReturnType<typeof createKube>, text: string) {
  const result = await kube.dryRun(documentsOf(text));
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
}
