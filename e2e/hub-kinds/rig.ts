import { analyze } from '../../shared/manifests/index.ts';
import { startEchoServices, type EchoServices } from '../conformance/echo-services.ts';
import { exchange, type Answer, type Ask } from '../conformance/exchange.ts';
import { NAMESPACE } from '../conformance/objects.ts';
import { HOSTS, startSubject, type Subject } from '../conformance/subject.ts';
import { until } from '../support/running-stack.ts';

/** One sentence of `hub-kinds` facts 2.1 to 2.6, or of a field in 1.3: manifests in, exchanges out. */
export interface HubCase {
  readonly part: '1.3' | '2.1' | '2.2' | '2.3' | '2.4' | '2.5' | '2.6';
  readonly says: string;
  /** YAML in namespace `conf`; `${PORT}` is the port of the Services. */
  readonly manifests: string;
  /** `CODE PATH` of each warning and error of them; absent: not looked at. */
  readonly told?: readonly string[];
  readonly asks: readonly HubAsk[];
}

export interface HubAsk extends Omit<Ask, 'body'> {
  /** Body of the request. */
  readonly sends?: string;
  readonly status: number;
  /** In place of the manifests before, from this ask on. */
  readonly manifests?: string;
  /** Whether an upstream gets it; without: when the status is 200. */
  readonly reaches?: boolean;
  /** Headers of the answer; null: not there. */
  readonly answer?: Readonly<Record<string, string | RegExp | null>>;
  /** Is within the body of the answer. */
  readonly body?: string;
  /** Asked as often as the sum, and how many of them reached which Service. */
  readonly spread?: Readonly<Record<string, number>>;
  /** What the upstream received, with `:target` and `:service`; null: the header was not there. */
  readonly received?: Readonly<Record<string, string | null>>;
}

/** One `adit up --preview` for all cases; its folder is rewritten for each. */
export class HubRig {
  readonly #services: EchoServices;
  readonly #subject: Subject;
  #revision = 0;

  private constructor(services: EchoServices, subject: Subject) {
    this.#services = services;
    this.#subject = subject;
  }

  /** `settings`: what `adit.yaml` has besides. */
  static async start(settings: Readonly<Record<string, unknown>> = {}): Promise<HubRig> {
    const services = await startEchoServices();
    try {
      return new HubRig(services, await startSubject(services.port, foundation(services.port, 0), settings));
    } catch (error) {
      await services.stop();
      throw error;
    }
  }

  /** `CODE PATH` of what is wrong with them, as the process sees them. */
  told(manifests: string): string[] {
    const text = `${foundation(this.#services.port, 0)}\n---\n${this.#filled(manifests)}`;
    return analyze([{ path: 'case.yaml', text }], { namespace: NAMESPACE })
      .diagnostics.filter(({ severity }) => severity !== 'info')
      .map(({ code, path }) => `${code} ${path}`);
  }

  #filled(manifests: string): string {
    return manifests.replaceAll('${PORT}', String(this.#services.port));
  }

  async serve(manifests: string): Promise<void> {
    const { port } = this.#services;
    this.#revision += 1;
    this.#subject.write(`${foundation(port, this.#revision)}\n---\n${this.#filled(manifests)}`);
    const target = markerPath(this.#revision);
    await until(`adit serves\n${manifests}\n${this.#subject.program.stderr.slice(-1_500)}`, async () => {
      return (await this.ask({ target })).status === 200;
    });
  }

  async ask(ask: Ask): Promise<Answer> {
    const host = this.#subject.hostOf(ask.host ?? HOSTS[0]);
    const answer = await exchange(this.#subject.address, host, ask, this.#services);
    // The agent fetches OpenAPI documents from the same upstreams whenever it likes.
    return { ...answer, received: answer.received.filter(({ target }) => !target.startsWith('/spec')) };
  }

  /** All that the process has said, for what must not be in it. */
  get said(): string {
    return `${this.#subject.program.stderr}${JSON.stringify(this.#subject.program.lines)}`;
  }

  async stop(): Promise<void> {
    await this.#subject.stop();
    await this.#services.stop();
  }
}

function markerPath(revision: number): string {
  return `/.hub/${revision}`;
}

function foundation(port: number, revision: number): string {
  const routes = HOSTS.map(
    (host) =>
      `  - { kind: Rule, priority: 1000000, match: 'Host(\`${host}\`) && Path(\`${markerPath(revision)}\`)', services: [{ name: echo, port: ${port} }] }`,
  );
  return `apiVersion: v1
kind: Service
metadata: { name: echo, namespace: ${NAMESPACE} }
spec: { clusterIP: 127.1.0.10, ports: [{ name: web, port: ${port} }] }
---
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: { name: marker, namespace: ${NAMESPACE} }
spec:
  routes:
${routes.join('\n')}`;
}
