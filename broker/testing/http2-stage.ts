import type { ClientHttp2Session } from 'node:http2';
import type { Broker, BrokerOptions } from '../index.ts';
import { connectHttp2 } from './http2-visitor.ts';
import { RawHttp2 } from './raw-http2.ts';
import { TestAgent } from './test-agent.ts';
import type { TestAgentOptions } from './test-agent.ts';
import { startTunnelBroker } from './test-broker.ts';
import { makeCertificates } from './test-certificates.ts';
import type { TestCertificates } from './test-certificates.ts';
import { makeKeys } from './test-keys.ts';
import type { TestKeys } from './test-keys.ts';

export const HOST = 'shop.test';
export const OTHER = 'other.test';
export const NOBODY = 'nobody.test';

/** A broker that speaks HTTP/2 for `HOST`, `OTHER` and `NOBODY`, with agents and visitors as a test asks for them. */
export class Http2Stage implements AsyncDisposable {
  readonly broker: Broker;
  readonly certificates: TestCertificates;
  readonly #keys: TestKeys;
  readonly #visitors: (() => void)[] = [];
  readonly #agents: TestAgent[] = [];

  private constructor(broker: Broker, keys: TestKeys, certificates: TestCertificates) {
    this.broker = broker;
    this.#keys = keys;
    this.certificates = certificates;
  }

  static async open(changes: Partial<BrokerOptions> = {}): Promise<Http2Stage> {
    const [keys, certificates] = await Promise.all([makeKeys(), makeCertificates()]);
    const files = await certificates.write('all', [HOST, OTHER, NOBODY]);
    const broker = await startTunnelBroker(keys, { public: { host: '127.0.0.1', port: 0, tls: [files] }, ...changes });
    return new Http2Stage(broker, keys, certificates);
  }

  /** `options.hosts` is what the agent serves: `HOST` unless told otherwise. */
  async dial(options: Partial<TestAgentOptions> = {}): Promise<TestAgent> {
    const hosts = options.hosts ?? [HOST];
    const token = await this.#keys.token('agent-1', [...hosts]);
    const agent = await TestAgent.dial(this.broker.addresses.tunnelUrl ?? '', { token, ...options, hosts });
    this.#agents.push(agent);
    return agent;
  }

  async visit(host = HOST): Promise<ClientHttp2Session> {
    const session = await connectHttp2(this.broker.addresses.public, host, this.certificates.ca);
    session.on('error', () => undefined);
    this.#visitors.push(() => session.destroy());
    return session;
  }

  async raw(host = HOST): Promise<RawHttp2> {
    const visitor = await RawHttp2.open(this.broker.addresses.public, host, this.certificates.ca);
    this.#visitors.push(() => visitor.socket.destroy());
    return visitor;
  }

  /** The value of a metric without labels, or the sum of its lines. */
  async metric(name: string): Promise<number> {
    const response = await fetch(`http://${this.broker.addresses.peer}/metrics`);
    let sum = 0;
    for (const line of (await response.text()).split('\n')) {
      if (line.startsWith(`${name} `) || line.startsWith(`${name}{`)) sum += Number(line.slice(line.lastIndexOf(' ')));
    }
    return sum;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const leave of this.#visitors) leave();
    for (const agent of this.#agents) agent.socket.terminate();
    await this.broker.close();
    await Promise.all([this.#keys.remove(), this.certificates.remove()]);
  }
}
