import type { BackendConfig, GatewayConfig } from '../../../shared/gateway/config.ts';
import type { LoadBalancerConfig, ServiceConfig, UpstreamScheme } from '../../../shared/gateway/service.ts';
import { AgentError, toAgentError } from '../../errors.ts';
import { emptyAnswer, problemAnswer, type OwnAnswer } from '../own-answer.ts';
import type { UpstreamPool } from '../upstream-pool.ts';
import { upstreamTarget } from '../upstream-target.ts';
import { NO_COOKIES, type Refusal, type Service } from './choice.ts';
import { HealthChecker } from './health-checker.ts';
import { LoadBalancer, type ServerPlace } from './load-balancer.ts';
import { Mirroring } from './mirroring.ts';
import type { ServerState } from './server-state.ts';
import { HighestRandomWeight, Weighted } from './weighted.ts';

/** What a body that is kept for mirrors may have at most, whatever the manifests say. */
const MAX_MIRRORED_BYTES = 4 * 1024 * 1024;

export interface Services {
  service(key: string): Service;
  /** What a route sends its requests to. */
  ofRoute(routeId: string, backends: readonly BackendConfig[]): Service;
}

interface Built {
  readonly service: Service;
  /** Of all that its behaviour depends on: what has the same one may go on in its place. */
  readonly print: string;
}

/**
 * Builds the services of one configuration after the other. A service that did not change goes on as it is: its turns,
 * the health of its servers and its counts stay.
 */
export class ServiceBuilder {
  readonly #pool: UpstreamPool;
  #current = new Map<string, Built>();

  constructor(pool: UpstreamPool) {
    this.#pool = pool;
  }

  /** `urls`: base URL by key of `upstreams`, in place of what the configuration says. Throws without effect. */
  build(config: GatewayConfig, urls: ReadonlyMap<string, string>): { services: Services; adopt(): void } {
    const made = new Map<string, Built>();
    const inside = new Set<string>();
    const keep = (id: string, print: string, make: () => Service): Built => {
      const before = this.#current.get(id);
      const built = before?.print === print ? before : { print, service: make() };
      made.set(id, built);
      return built;
    };
    const built = (key: string): Built => {
      const id = `service ${key}`;
      const known = made.get(id);
      if (known !== undefined) return known;
      const wanted = config.services[key];
      if (wanted === undefined || inside.has(key)) {
        const what = wanted === undefined ? 'is not defined' : 'leads back to itself';
        throw new AgentError('config-refused', `The service ${JSON.stringify(key)} ${what}.`);
      }
      inside.add(key);
      const done = make(id, wanted);
      inside.delete(key);
      return done;
    };
    const make = (id: string, wanted: ServiceConfig): Built => {
      switch (wanted.kind) {
        case 'load-balancer':
          return keep(id, printOf(config, wanted, urls), () => loadBalancer(config, wanted, urls, this.#pool));
        case 'weighted':
        case 'highest-random-weight': {
          const parts = wanted.services.map(({ service, weight }) => ({ ...built(service), weight, key: service }));
          return keep(id, JSON.stringify([wanted, parts.map(({ print }) => print)]), () => {
            const entries = parts.map(({ service, weight, key }) => ({ service, weight, name: bareName(config, key) }));
            return wanted.kind === 'weighted' ? new Weighted(entries, wanted.sticky) : new HighestRandomWeight(entries);
          });
        }
        case 'mirroring': {
          const main = built(wanted.service);
          const copies = wanted.mirrors.map(({ service, percent }) => ({ ...built(service), percent }));
          const { mirrorBody } = wanted;
          const maxBodyBytes =
            wanted.maxBodyBytes < 0 ? MAX_MIRRORED_BYTES : Math.min(wanted.maxBodyBytes, MAX_MIRRORED_BYTES);
          return keep(id, JSON.stringify([wanted, main.print, copies.map(({ print }) => print)]), () => {
            const mirrors = copies.map(({ service, percent }) => ({
              mirror: { service, mirrorBody, maxBodyBytes },
              percent,
            }));
            return new Mirroring(main.service, mirrors);
          });
        }
      }
    };
    for (const key of Object.keys(config.services)) built(key);
    const services: Services = {
      service: (key) => built(key).service,
      ofRoute(routeId, backends) {
        const ofBackend = (backend: BackendConfig): Built =>
          ownAnswer(backend) ?? unknownAnswer(config, backend, urls) ?? built(backend.service);
        const [first] = backends;
        if (first !== undefined && backends.length === 1 && first.weight > 0) return ofBackend(first).service;
        const parts = backends.map((backend) => ({
          ...backend,
          ...ofBackend(backend),
          name: bareName(config, backend.service),
        }));
        const print = JSON.stringify(parts.map((part) => [part.name, part.weight, part.print]));
        return keep(`route ${routeId}`, print, () => new Weighted(parts, undefined)).service;
      },
    };
    return { services, adopt: () => this.#adopt(made) };
  }

  /** Of all services in force whose servers are watched. */
  *states(): Iterable<ServerState> {
    for (const { service } of this.#current.values()) if (service instanceof LoadBalancer) yield* service.states;
  }

  close(): void {
    this.#adopt(new Map());
  }

  #adopt(made: Map<string, Built>): void {
    const kept = new Set([...made.values()].map(({ service }) => service));
    for (const { service } of this.#current.values())
      if (service instanceof LoadBalancer && !kept.has(service)) service.close();
    const before = new Set([...this.#current.values()].map(({ service }) => service));
    for (const service of kept) if (service instanceof LoadBalancer && !before.has(service)) service.start();
    this.#current = made;
  }
}

/** The gateway answers for the backend itself. */
function ownAnswer({ status, grpcStatus }: BackendConfig): Built | undefined {
  if (status === undefined) return undefined;
  const answer: OwnAnswer =
    grpcStatus === undefined
      ? emptyAnswer(status, [])
      : { status, headers: [['Content-Type', 'application/json']], body: Buffer.from(JSON.stringify(grpcStatus)) };
  return always(`status ${status} ${grpcStatus?.code ?? ''}`, { kind: 'refused', answer, cookies: NO_COOKIES });
}

/** As for any service without a known address, but with the status that is wanted. */
function unknownAnswer(
  config: GatewayConfig,
  { service, unknownStatus }: BackendConfig,
  urls: ReadonlyMap<string, string>,
): Built | undefined {
  const wanted = config.services[service];
  if (unknownStatus === undefined || wanted?.kind !== 'load-balancer') return undefined;
  if (urlsOf(config, wanted, urls) !== undefined) return undefined;
  const refusal = unknownUpstream(config, wanted.upstream);
  const answer = { ...refusal.answer, status: unknownStatus };
  return always(`unknown ${unknownStatus} ${service}`, { ...refusal, answer });
}

function always(print: string, refusal: Refusal): Built {
  return { print, service: { choose: () => refusal } };
}

/** The name without its provider: what a parent's cookie is made of. */
function bareName(config: GatewayConfig, key: string): string {
  return (config.services[key]?.name ?? key).replace(/@[^@]*$/, '');
}

function urlsOf(
  config: GatewayConfig,
  wanted: LoadBalancerConfig,
  urls: ReadonlyMap<string, string>,
): Place[] | undefined {
  const url = urls.get(wanted.upstream);
  const servers = config.upstreams[wanted.upstream]?.servers;
  if (url !== undefined) {
    // A stand-in has the name of what it stands for, so that its cookies are those of the cluster.
    const [only] = servers?.length === 1 ? servers : [];
    const at = withScheme(url, wanted.scheme);
    return [{ name: only === undefined ? at : `${wanted.scheme}://${only.address}`, url: at, fenced: false }];
  }
  return servers?.map(({ address, fenced }) => ({
    name: `${wanted.scheme}://${address}`,
    url: `${wanted.scheme}://${address}`,
    fenced: fenced === true,
  }));
}

interface Place {
  readonly name: string;
  readonly url: string;
  readonly fenced: boolean;
}

/** A local stand-in for a Service that speaks HTTP/2 in the clear is asked by it as well. */
function withScheme(url: string, scheme: UpstreamScheme): string {
  return scheme === 'h2c' ? url.replace(/^http:/, 'h2c:') : url;
}

function printOf(config: GatewayConfig, wanted: LoadBalancerConfig, urls: ReadonlyMap<string, string>): string {
  const transport = wanted.transport === undefined ? undefined : config.transports[wanted.transport];
  return JSON.stringify([wanted, urlsOf(config, wanted, urls), transport]);
}

function loadBalancer(
  config: GatewayConfig,
  wanted: LoadBalancerConfig,
  urls: ReadonlyMap<string, string>,
  pool: UpstreamPool,
): Service {
  const found = urlsOf(config, wanted, urls);
  if (found === undefined) {
    const refusal = unknownUpstream(config, wanted.upstream);
    return { choose: () => refusal };
  }
  const watched =
    wanted.passiveHealthCheck !== undefined || wanted.strategy === 'p2c' || wanted.strategy === 'leasttime';
  const transport = wanted.transport === undefined ? undefined : config.transports[wanted.transport];
  const places = found.map(({ name, url, fenced }): ServerPlace => ({
    name,
    url,
    fenced,
    place(server) {
      try {
        return upstreamTarget(url, { transport, watch: watched ? server : undefined });
      } catch (error) {
        const { code, message, hint } = toAgentError(error, 'upstream-refused');
        return { kind: 'refused', answer: problemAnswer(code, message, { hint }), cookies: NO_COOKIES };
      }
    },
  }));
  const { healthCheck } = wanted;
  const checker = healthCheck === undefined ? undefined : new HealthChecker(healthCheck, transport, pool);
  return new LoadBalancer(wanted, places, checker);
}

function unknownUpstream(config: GatewayConfig, upstream: string): Refusal {
  const known = config.upstreams[upstream];
  const name = known === undefined ? upstream : `${known.namespace}/${known.service}`;
  const port = known === undefined ? '' : ` port ${known.port}`;
  const answer = problemAnswer('upstream-unknown', `Service ${name}${port} has no known address.`, {
    hint: `Add to adit.yaml: upstreams: { "${name}": { url: "http://127.0.0.1:PORT" } }`,
  });
  return { kind: 'refused', answer, cookies: NO_COOKIES };
}
