import ELK from 'elkjs/lib/elk-api.js';
import ElkWorker from 'elkjs/lib/elk-worker.min.js?worker';
import type { Model } from '../../../shared/contract/contract.ts';
import { structureHash } from './structure-hash.ts';
import { toElk } from './to-elk.ts';

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface GraphLayout {
  readonly hash: string;
  readonly nodes: ReadonlyMap<string, Point>;
  /** Corners of each edge, its ends included. */
  readonly edges: ReadonlyMap<string, readonly Point[]>;
}

const KEPT = 16;
const layouts = new Map<string, Promise<GraphLayout>>();
// The worker takes longer to start than most graphs to lay out, so it stays.
let elk: InstanceType<typeof ELK> | undefined;

/** Where everything stands; computed in a worker, and once for graphs of the same structure. */
export function layoutGraph(graph: Model['graph']): Promise<GraphLayout> {
  const hash = structureHash(graph);
  const known = layouts.get(hash);
  if (known) return known;
  const layout = compute(graph, hash);
  layouts.set(hash, layout);
  layout.catch(() => layouts.delete(hash));
  const [oldest] = layouts.keys();
  if (layouts.size > KEPT && oldest !== undefined) layouts.delete(oldest);
  return layout;
}

async function compute(graph: Model['graph'], hash: string): Promise<GraphLayout> {
  elk ??= new ELK({ workerFactory: () => new ElkWorker() });
  const laid = await elk.layout(toElk(graph));
  return {
    hash,
    nodes: new Map((laid.children ?? []).map((node) => [node.id, { x: node.x ?? 0, y: node.y ?? 0 }])),
    edges: new Map(
      (laid.edges ?? []).map((edge) => [
        edge.id,
        (edge.sections ?? []).flatMap((section) => [
          section.startPoint,
          ...(section.bendPoints ?? []),
          section.endPoint,
        ]),
      ]),
    ),
  };
}
