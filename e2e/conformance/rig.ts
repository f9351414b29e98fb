import { stringify } from 'yaml';
import type { TraefikOptions } from '../../shared/manifests/index.ts';
import type { KubeBinaries } from '../kube/binaries.ts';
import { until } from '../support/running-stack.ts';
import { differences } from './compare.ts';
import type { ConformanceCase } from './conformance-case.ts';
import { SERVICES, startEchoServices, type EchoServices } from './echo-services.ts';
import { exchange, type Answer, type Ask } from './exchange.ts';
import { FAR_NAMESPACE, NAMESPACE, namespaceOf, objectsOf, type KubeObject } from './objects.ts';
import { startReference, type Reference } from './reference.ts';
import { HOSTS, startSubject, type Subject } from './subject.ts';

/** One exchange with both. */
export interface Verdict {
  readonly ask: Ask;
  readonly status: number;
  /** Empty: they agree. */
  readonly differences: readonly string[];
}

/** For a whole case. */
const ASKED_AGAIN_MS = 10_000;
/** Of a case that counts. */
const ATTEMPTS = 3;
const ASK_AGAIN_EVERY_MS = 100;
const ENTRYPOINT_PRIORITY = 1_000_000;

/** Both gateways over the same upstreams, one case after the other. */
export class Rig {
  #services: EchoServices;
  #reference: Reference;
  #subject: Subject;
  #applied: KubeObject[] = [];
  #revision = 0;

  private constructor(services: EchoServices, reference: Reference, subject: Subject) {
    this.#services = services;
    this.#reference = reference;
    this.#subject = subject;
  }

  static async start(binaries: KubeBinaries, options: TraefikOptions): Promise<Rig> {
    const services = await startEchoServices();
    try {
      const reference = await startReference(binaries, options);
      try {
        await reference.apply(objectsOf(yamlOf(foundation(services.port))));
        const subject = await startSubject(
          services.port,
          yamlOf([...foundation(services.port), marker(0, services.port)]),
          { traefik: options },
        );
        return new Rig(services, reference, subject);
      } catch (error) {
        await reference.stop();
        throw error;
      }
    } catch (error) {
      await services.stop();
      throw error;
    }
  }

  /** Applies a case to both, waits until both serve it, and asks. The case's objects go when the next one comes. */
  async run(one: ConformanceCase): Promise<Verdict[]> {
    if (one.stateful === undefined) {
      await this.#apply(this.#filled(one.manifests, ''));
      const end = Date.now() + ASKED_AGAIN_MS;
      const verdicts: Verdict[] = [];
      for (const ask of one.asks) verdicts.push(await this.#compare(ask, one, end));
      return verdicts;
    }
    for (let attempt = 1; ; attempt += 1) {
      const verdicts = await this.#count(one);
      // Whatever else Traefik takes over meanwhile makes it forget what it has counted.
      if (attempt === ATTEMPTS || verdicts.every((verdict) => verdict.differences.length === 0)) return verdicts;
    }
  }

  /** A case in which asking changes what is answered. Its path is its own, as the answers to it are counted. */
  async #count(one: ConformanceCase): Promise<Verdict[]> {
    const prefix = `/case-${this.#revision}`;
    await this.#apply(this.#filled(one.manifests, prefix));
    await this.#bothRoute(one, prefix);
    const asked: { references: Answer[]; subjects: Answer[] } = { references: [], subjects: [] };
    for (const { target, ...rest } of one.asks) {
      const ask = { ...rest, target: `${prefix}${target}` };
      asked.references.push(await this.#askReference(ask));
      asked.subjects.push(await this.#askSubject(ask));
    }
    if (one.stateful === 'turns') {
      asked.references.sort(byService);
      asked.subjects.sort(byService);
    }
    return one.asks.flatMap((ask, at) => {
      const [reference, subject] = [asked.references[at], asked.subjects[at]];
      if (reference === undefined || subject === undefined) return [];
      return { ask, status: reference.status, differences: differences(reference, subject, one.allowed?.headers) };
    });
  }

  async stop(): Promise<void> {
    await this.#subject.stop();
    await this.#reference.stop();
    await this.#services.stop();
  }

  #filled(manifests: string, prefix: string): string {
    return manifests
      .replaceAll('${PREFIX}', prefix === '' ? '/' : prefix)
      .replaceAll('${PORT}', String(this.#services.port))
      .replaceAll('${ENTRYPOINT}', String(this.#reference.port));
  }

  async #apply(manifests: string): Promise<void> {
    const objects = objectsOf(manifests);
    await this.#reference.remove(this.#applied);
    // An object that is broken now must not be served by its version of an earlier case.
    await this.#serve('');
    this.#applied = objects;
    await this.#reference.apply(objects);
    await this.#serve(`---\n${manifests}`);
  }

  /** Asks each until it has the route: one request more than the case's, that both count. */
  async #bothRoute({ name, asks: [first] }: ConformanceCase, prefix: string): Promise<void> {
    const ask: Ask = { ...first, target: `${prefix}/ready` };
    for (const [who, send] of [
      ['Traefik', () => this.#askReference(ask)],
      ['adit', () => this.#askSubject(ask)],
    ] as const) {
      await until(`${who} routes ${name}\n${this.#told()}`, async () => (await send()).status !== 404);
    }
  }

  /** Raises the revision on both and waits until both serve it. */
  async #serve(manifests: string): Promise<void> {
    const { port } = this.#services;
    this.#revision += 1;
    await this.#reference.apply([marker(this.#revision, port)]);
    this.#subject.write(`${yamlOf([...foundation(port), marker(this.#revision, port)])}${manifests}`);
    const target = markerPath(this.#revision);
    for (const [who, address, host] of [
      ['Traefik', this.#reference.address, HOSTS[0]],
      ['adit', this.#subject.address, this.#subject.hostOf(HOSTS[0])],
    ] as const) {
      await until(`${who} serves the case\n${manifests}\n${this.#told()}`, async () => {
        const { received } = await exchange(address, host, { target }, this.#services);
        // A route for all paths, of the case before, would answer too.
        return received[0]?.service === 'marker';
      });
    }
  }

  async #compare(ask: Ask, { allowed }: ConformanceCase, end: number): Promise<Verdict> {
    for (;;) {
      const reference = await this.#askReference(ask);
      const found = differences(reference, await this.#askSubject(ask), allowed?.headers);
      // Traefik learns of each kind by a watch of its own: the marker may be there before the rest.
      if (found.length === 0 || Date.now() > end) return { ask, status: reference.status, differences: found };
      await new Promise((done) => setTimeout(done, ASK_AGAIN_EVERY_MS));
    }
  }

  #askReference(ask: Ask): Promise<Answer> {
    return exchange(this.#reference.address, ask.host ?? HOSTS[0], ask, this.#services);
  }

  #askSubject(ask: Ask): Promise<Answer> {
    return exchange(this.#subject.address, this.#subject.hostOf(ask.host ?? HOSTS[0]), ask, this.#services);
  }

  /** For an error: what the two said last. */
  #told(): string {
    return `${this.#reference.log().slice(-1_500)}\n${this.#subject.program.stderr.slice(-1_500)}`;
  }
}

function byService(a: Answer, b: Answer): number {
  const [one, other] = [a, b].map(({ received }) => received[0]?.service ?? '');
  return (one ?? '') < (other ?? '') ? -1 : one === other ? 0 : 1;
}

function markerPath(revision: number): string {
  return `/.conformance/${revision}`;
}

/** Says that a revision is served, and names every host. */
function marker(revision: number, port: number): KubeObject {
  return {
    apiVersion: 'traefik.io/v1alpha1',
    kind: 'IngressRoute',
    metadata: { name: 'marker', namespace: NAMESPACE },
    spec: {
      routes: HOSTS.map((host) => ({
        kind: 'Rule',
        match: `Host(\`${host}\`) && Path(\`${markerPath(revision)}\`)`,
        priority: ENTRYPOINT_PRIORITY,
        services: [{ name: 'marker', port }],
      })),
    },
  } as KubeObject;
}

/** What every case stands on. */
function foundation(port: number): KubeObject[] {
  const namespaces = [NAMESPACE, FAR_NAMESPACE].map((name): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name },
  }));
  const services = Object.entries(SERVICES).map(
    ([name, clusterIP]) =>
      ({
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name, namespace: namespaceOf(name) },
        spec: { clusterIP, ports: [{ name: 'web', port }] },
      }) as KubeObject,
  );
  return [...namespaces, ...services];
}

function yamlOf(objects: readonly KubeObject[]): string {
  return objects.map((object) => stringify(object)).join('---\n');
}
