import type { ExchangeSummary } from '../../../shared/agent/api.ts';
import type { Model } from '../../../shared/contract/contract.ts';

export interface Load {
  readonly requests: number;
  readonly failed: number;
}

const none: Load = { requests: 0, failed: 0 };

/** How many of the exchanges went through each node: through its route, API, application or plan, as the agent names them. */
export function nodeTraffic(graph: Model['graph'], exchanges: readonly ExchangeSummary[]): ReadonlyMap<string, Load> {
  const byName = new Map<string, Load>();
  for (const exchange of exchanges) {
    for (const [field, name] of [
      // The agent numbers the rules of a route: KIND/NAMESPACE/NAME#0.
      ['route', exchange.route?.replace(/#\d+$/, '')],
      ['api', exchange.api],
      ['application', exchange.application],
      ['plan', exchange.plan],
    ] as const) {
      if (name === undefined) continue;
      const key = `${field} ${name}`;
      const load = byName.get(key) ?? none;
      byName.set(key, { requests: load.requests + 1, failed: load.failed + ((exchange.status ?? 0) >= 500 ? 1 : 0) });
    }
  }
  const loads = new Map<string, Load>();
  for (const node of graph.nodes) {
    const field = node.role === 'version' ? 'api' : node.role;
    const names = [
      node.id,
      node.title,
      ...(node.object
        ? [
            node.object.name,
            `${node.object.namespace}/${node.object.name}`,
            `${node.object.kind}/${node.object.namespace}/${node.object.name}`,
          ]
        : []),
    ];
    const load = names.map((name) => byName.get(`${field} ${name}`)).find((found) => found !== undefined);
    if (load) loads.set(node.id, load);
  }
  return loads;
}

/** An edge carries what both of its ends saw; visitors see everything, services what their routes saw. */
export function edgeTraffic(
  loads: ReadonlyMap<string, Load>,
  edge: { readonly from: string; readonly to: string },
  roleOf: (id: string) => string,
): Load {
  const ends = [edge.from, edge.to].map((id) => ({
    load: loads.get(id),
    open: ['visitor', 'service'].includes(roleOf(id)),
  }));
  const seen = ends.flatMap((end) => (end.load ? [end.load] : []));
  if (seen.length === 0 || ends.some((end) => !end.load && !end.open)) return none;
  return seen.reduce((least, load) => (load.requests < least.requests ? load : least));
}
