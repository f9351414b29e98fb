import type { BackendConfig, GatewayConfig } from '../../../shared/gateway/config.ts';
import type { LoadBalancerConfig, ServiceConfig } from '../../../shared/gateway/service.ts';
import { AgentError, toAgentError } from '../../errors.ts';
import { emptyAnswer, problemAnswer, textAnswer } from '../own-answer.ts';
import { upstreamTarget } from '../upstream-target.ts';
import type { Refusal, Service } from './choice.ts';
import { EarliestDeadline } from './earliest-deadline.ts';

/** Traefik's answer where nothing can be chosen. */
export const NO_SERVER: Refusal = {
  kind: 'refused',
  answer: textAnswer(503, 'no available server', 'upstream-none', 'Every server is down, leaves, or has weight 0.'),
};

export interface Services {
  service(key: string): Service;
  /** What a route sends its requests to. */
  ofRoute(backends: readonly BackendConfig[]): Service;
}

/** `urls`: base URL by key of `upstreams`, in place of what the configuration says. */
export function buildServices(config: GatewayConfig, urls: ReadonlyMap<string, string>): Services {
  const built = new Map<string, Service>();

  const service = (key: string): Service => {
    const known = built.get(key);
    if (known !== undefined) return known;
    const wanted = config.services[key];
    if (wanted === undefined)
      throw new AgentError('config-refused', `The service ${JSON.stringify(key)} is not defined.`);
    const made = build(wanted);
    built.set(key, made);
    return made;
  };

  const build = (wanted: ServiceConfig): Service => {
    switch (wanted.kind) {
      case 'load-balancer':
        return loadBalancer(config, wanted, urls);
      case 'weighted':
      case 'highest-random-weight':
        return weighted(wanted.services.map((each) => ({ entry: service(each.service), weight: each.weight })));
      case 'mirroring':
        return service(wanted.service);
    }
  };

  return {
    service,
    ofRoute(backends) {
      const [first] = backends;
      if (first !== undefined && backends.length === 1 && first.status === undefined && first.weight > 0)
        return service(first.service);
      return weighted(
        backends.map(({ service: key, weight, status }) => ({
          entry: status === undefined ? service(key) : fixed({ kind: 'refused', answer: emptyAnswer(status, []) }),
          weight,
        })),
      );
    },
  };
}

function weighted(entries: readonly { readonly entry: Service; readonly weight: number }[]): Service {
  const turns = new EarliestDeadline(entries);
  return { choose: (request) => turns.next(() => true)?.choose(request) ?? NO_SERVER };
}

function fixed(refusal: Refusal): Service {
  return { choose: () => refusal };
}

function loadBalancer(config: GatewayConfig, wanted: LoadBalancerConfig, urls: ReadonlyMap<string, string>): Service {
  const upstream = config.upstreams[wanted.upstream];
  const url = urls.get(wanted.upstream);
  const found = url === undefined ? upstream?.servers?.map(({ address }) => `${wanted.scheme}://${address}`) : [url];
  if (found === undefined) return fixed(unknownUpstream(config, wanted.upstream));
  const turns = found.map((each) => {
    try {
      const target = upstreamTarget(each);
      const { passHostHeader } = wanted;
      const choice = { kind: 'server', target, passHostHeader, cookies: [], constant: found.length === 1 } as const;
      return { entry: { choose: () => choice }, weight: 1 };
    } catch (error) {
      const { code, message, hint } = toAgentError(error, 'upstream-refused');
      return { entry: fixed({ kind: 'refused', answer: problemAnswer(code, message, { hint }) }), weight: 1 };
    }
  });
  const [only] = turns;
  return only !== undefined && turns.length === 1 ? only.entry : weighted(turns);
}

function unknownUpstream(config: GatewayConfig, upstream: string): Refusal {
  const known = config.upstreams[upstream];
  const name = known === undefined ? upstream : `${known.namespace}/${known.service}`;
  const port = known === undefined ? '' : ` port ${known.port}`;
  const answer = problemAnswer('upstream-unknown', `Service ${name}${port} has no known address.`, {
    hint: `Add to adit.yaml: upstreams: { "${name}": { url: "http://127.0.0.1:PORT" } }`,
  });
  return { kind: 'refused', answer };
}
