import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import '@xyflow/react/dist/base.css';
import '../src/theme/app.css';
import '../src/theme/panels.css';
import '../src/theme/rendered.css';
import { createRoot } from 'react-dom/client';
import { Root } from '../src/root.tsx';
import { memoryBridge } from './memory-bridge.ts';
import { livePreview, off, sampleHandlers, type Scene } from './sample-handlers.ts';
import { sampleModel } from './sample-model.ts';

const ask = new URLSearchParams(location.search);
const has = (word: string): boolean => ask.has(word);
const suffix = has('long') ? '-of-the-payments-and-refunds-department-in-central-europe' : '';
const state = ask.get('preview');

const scene: Scene = {
  empty: has('empty'),
  model: has('bare')
    ? { revision: 1, objects: [], diagnostics: [], graph: { nodes: [], edges: [] }, rendering: false }
    : sampleModel({ suffix, problems: !has('clean'), copies: Number(ask.get('copies') ?? 1) }),
  preview:
    state === 'live' || state === 'degraded' || state === 'failed' || state === 'connecting' ? livePreview(state) : off,
  git: {
    state: has('nogit') ? 'missing' : has('norepo') ? 'none' : 'ready',
    ...(has('nogit') || has('norepo')
      ? {}
      : { branch: `limit-checkout${suffix}`, head: 'abc', upstream: 'origin/limit-checkout' }),
    ahead: 1,
    behind: 0,
    changes: has('clean')
      ? []
      : [
          { path: 'apis/checkout.yaml', status: 'modified' },
          { path: 'plans/partners.yaml', status: 'modified' },
          { path: 'README.md', status: 'untracked' },
        ],
  },
  kube: has('kube')
    ? {
        state: 'connected',
        context: `kind-payments${suffix}`,
        serverVersion: 'v1.36.1',
        unreadable: [{ kind: 'Secret', reason: 'secrets is forbidden: User "kim" cannot list resource "secrets"' }],
        liveSchemas: true,
      }
    : { state: 'off', unreadable: [], liveSchemas: false },
  requests: Number(ask.get('requests') ?? 0),
};

const bridge = memoryBridge(sampleHandlers(scene, () => undefined));
const place = document.getElementById('root');
if (place) createRoot(place).render(<Root bridge={bridge} />);
