import type { GitStatus, KubeState, Model, PreviewView } from '../../shared/contract/contract.ts';
import { fail, ok } from '../../shared/result/result.ts';
import type { MemoryHandlers } from './memory-bridge.ts';
import { sampleExchange, sampleExchanges } from './sample-exchanges.ts';
import { sampleFiles } from './sample-model.ts';

export interface Scene {
  readonly empty: boolean;
  readonly model: Model;
  readonly preview: PreviewView;
  readonly git: GitStatus;
  readonly kube: KubeState;
  readonly requests: number;
}

export const off: PreviewView = {
  state: 'off',
  hosts: [],
  links: [],
  wanted: 3,
  config: { revision: 0, routes: 0 },
  control: { reachable: true },
  agent: { running: false },
};

export function livePreview(state: PreviewView['state']): PreviewView {
  const up = state === 'live' ? 3 : state === 'degraded' ? 2 : 0;
  const regions = ['fra', 'iad', 'sin'];
  return {
    state,
    hosts: [
      { host: 'checkout-7f3a.preview.example', url: 'https://checkout-7f3a.preview.example/', stands: 'shop.example' },
    ],
    links: regions.map((broker, at) => ({
      broker,
      region: ['Frankfurt', 'Ashburn', 'Singapore'][at] ?? '',
      tunnel: `wss://${broker}.preview.example/tunnel`,
      address: `${broker}.preview.example:443`,
      ...(at < up
        ? { state: 'up' as const, rttMs: [9, 88, 171][at] ?? 0 }
        : state === 'connecting'
          ? { state: 'connecting' as const }
          : {
              state: 'waiting' as const,
              retryAt: '2026-01-05T14:02:20Z',
              error: 'connection refused by 203.0.113.7:443',
            }),
    })),
    wanted: 3,
    config: { revision: 4, routes: 2, appliedAt: new Date().toISOString() },
    control: {
      url: 'https://control.preview.example',
      reachable: state !== 'degraded',
      ...(state === 'degraded' ? { error: 'no answer in 5 s' } : {}),
    },
    agent: {
      running: state !== 'failed',
      pid: 4242,
      ...(state === 'failed' ? { lastError: 'error: listen EADDRINUSE 127.0.0.1:4040' } : {}),
    },
    ...(state === 'failed'
      ? {
          error: {
            code: 'no-broker',
            message: 'No broker accepts this agent.',
            hint: 'Check the network, or start the brokers, then start the preview again.',
          },
        }
      : {}),
  };
}

const kinds = ['API', 'APIVersion', 'APIPlan'] as const;
const schema = {
  allOf: kinds.map((kind) => ({
    if: { properties: { kind: { const: kind } }, required: ['kind'] },
    // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
    then: {
      properties: {
        apiVersion: { type: 'string' },
        metadata: { type: 'object', properties: { name: { type: 'string', description: 'Name of the object.' } } },
        spec: {
          type: 'object',
          properties:
            kind === 'APIVersion'
              ? {
                  release: { type: 'string', description: 'Semantic version that is shown to consumers.' },
                  title: { type: 'string' },
                }
              : { title: { type: 'string' }, versions: { type: 'array' } },
        },
      },
    },
  })),
};

/** Answers as the application would, over files in memory. */
export function sampleHandlers(scene: Scene, changed: (path: string) => void): MemoryHandlers {
  const disk = new Map(Object.entries(sampleFiles).map(([path, text]) => [path, { text, version: 1 }]));
  const exchanges = sampleExchanges(scene.requests);
  const entries = () =>
    [...disk.entries()].map(([path, { text }]) => ({ path, kind: 'file' as const, bytes: text.length, dirty: false }));
  let { preview, kube } = scene;
  return {
    appInfo: async () => ok({ version: '0.1.0', shell: 'web', platform: 'linux', sampleAvailable: true }),
    appOpenExternal: async () => ok({ opened: false }),
    workspaceCurrent: async () =>
      ok({
        workspace: scene.empty ? null : { dir: '/home/kim/shop', name: 'petstore', namespace: 'shop', sample: true },
        recent: [
          { dir: '/home/kim/shop', name: 'petstore' },
          { dir: '/home/kim/work/orders-and-payments', name: 'orders' },
        ],
      }),
    workspaceBrowse: async ({ dir }) =>
      ok({ dir: dir ?? '/home/kim', parent: '/home', folders: ['apis', 'shop', 'work'] }),
    fileList: async () => ok({ files: entries() }),
    fileRead: async ({ path }) => {
      const file = disk.get(path);
      return file
        ? ok({ path, text: file.text, version: String(file.version) })
        : fail('file-missing', `There is no file ${path}.`, { hint: 'Choose another one.' });
    },
    fileSave: async ({ path, text, baseVersion }) => {
      const file = disk.get(path);
      if (file && String(file.version) !== baseVersion)
        return fail('file-changed', `${path} changed on disk.`, { detail: file.text });
      const version = (file?.version ?? 0) + 1;
      disk.set(path, { text, version });
      changed(path);
      return ok({ version: String(version) });
    },
    fileDraft: async () => ok({}),
    fileRename: async () => ok({}),
    fileDelete: async () => ok({}),
    modelGet: async () => ok(scene.model),
    schemaGet: async () => ok({ source: 'bundled', schema }),
    previewGet: async () => ok(preview),
    previewStart: async () => ok((preview = livePreview('live'))),
    previewStop: async () => ok((preview = off)),
    trafficList: async () => ok({ exchanges, newest: exchanges.length }),
    trafficGet: async ({ id }) => {
      const found = exchanges.find((one) => one.id === id);
      return found ? ok(sampleExchange(found)) : fail('exchange-missing', 'This request is no longer kept.');
    },
    trafficClear: async () => ok({}),
    gitStatus: async () => ok(scene.git),
    gitInit: async () => ok({ ...scene.git, state: 'ready' as const }),
    gitDiff: async ({ path }) => {
      const text = disk.get(path)?.text ?? '';
      return ok({
        before: text.replace('2.0.0-rc.1', '2.0.0-beta.3').replace('limit: 100', 'limit: 20'),
        after: text,
        binary: false,
      });
    },
    gitProposeMessage: async ({ paths }) => ok({ message: `checkout: release 2.0.0-rc.1\n\n${paths.join('\n')}` }),
    gitCommit: async () =>
      ok({
        sha: '4f0c2a91be77d01c5f6a',
        pushed: false,
        pushError: {
          message: 'the remote has commits that are not here',
          hint: 'Pull first, then push again.',
          detail: '! [rejected] main -> main (fetch first)',
        },
      }),
    gitPush: async () => ok({ pushed: true }),
    kubeContexts: async () =>
      ok({
        contexts: [
          { name: 'kind-payments', cluster: 'kind', user: 'kim', server: 'https://127.0.0.1:6443' },
          {
            name: 'arn:aws:eks:eu-central-1:123456789012:cluster/payments-production-green',
            cluster: 'eks',
            user: 'kim',
            server: 'https://0123456789ABCDEF.gr7.eu-central-1.eks.amazonaws.com',
          },
        ],
        current: 'kind-payments',
        files: ['/home/kim/.kube/config'],
      }),
    kubeState: async () => ok(kube),
    kubeConnect: async ({ context }) =>
      ok((kube = { state: 'connected', context, serverVersion: 'v1.36.1', unreadable: [], liveSchemas: true })),
    kubeDisconnect: async () => ok((kube = { state: 'off', unreadable: [], liveSchemas: false })),
    kubeDryRun: async ({ path }) =>
      ok({
        results: scene.model.objects
          .filter((object) => object.file === path)
          .map((object) =>
            object.state === 'broken'
              ? {
                  object: object.ref,
                  line: 29,
                  verdict: 'refused' as const,
                  message: 'APIVersion.hub.traefik.io "checkout-v2" is invalid',
                  causes: [
                    {
                      type: 'FieldValueInvalid',
                      field: 'spec.openApiSpec.refreshInterval',
                      message: 'Invalid value: "30s": must be at least 1m',
                      line: 29,
                    },
                  ],
                }
              : { object: object.ref, line: object.line ?? 1, verdict: 'accepted' as const, message: '', causes: [] },
          ),
      }),
    kubeDrift: async () =>
      ok({
        file: '',
        live: '',
        fields: [
          { path: 'spec.release', file: '2.0.0-rc.1', live: '2.0.0-beta.3', owner: 'argocd-controller' },
          { path: 'spec.title', live: 'Checkout' },
        ],
      }),
  };
}
