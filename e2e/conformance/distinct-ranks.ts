import { analyze } from '../../shared/manifests/index.ts';
import { NAMESPACE } from './objects.ts';

/** Whether no two routes have one priority: which of those goes first Traefik leaves to chance. */
export function distinctRanks(manifests: string): boolean {
  // Ports are filled in later.
  const text = `${SERVICES}${manifests.replaceAll(/\$\{[A-Z]+\}/g, '80')}`;
  const { config } = analyze([{ path: 'case.yaml', text }], { namespace: NAMESPACE });
  const ranks = config.routes.map(({ priority }) => priority);
  return new Set(ranks).size === ranks.length;
}

const spec = { ports: [{ name: 'web', port: 80 }] };
const SERVICES = ['echo', 'second', 'third']
  .map((name) => `${JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec })}\n---\n`)
  .join('');
