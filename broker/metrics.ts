import { Counter, Gauge, Registry } from 'prom-client';
import { PlainHistogram } from './plain-histogram.ts';

/** Plain numbers on the way of a request; they become samples only when somebody scrapes. */
export class BrokerMetrics {
  readonly registry = new Registry();
  /** By hundreds: index 2 counts 2xx. */
  readonly responses = [0, 0, 0, 0, 0, 0];
  readonly ownAnswers = new Map<string, number>();
  retries = 0;
  refusedConnections = 0;
  connections = 0;
  inFlight = 0;
  receivedBytes = 0;
  sentBytes = 0;
  upgraded = 0;
  readonly #seconds: PlainHistogram;

  constructor(live: { sessions(): number; hosts(): number; peers(): number; streams(): number }) {
    const registers = [this.registry];
    const responses = this.responses;
    const ownAnswers = this.ownAnswers;
    const counter = (name: string, help: string, read: () => number): void => {
      new Counter({
        name,
        help,
        registers,
        collect() {
          this.reset();
          this.inc(read());
        },
      });
    };
    const gauge = (name: string, help: string, read: () => number): void => {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read());
        },
      });
    };
    new Counter({
      name: 'adit_broker_responses_total',
      help: 'Responses to visitors and peers by class',
      labelNames: ['class'],
      registers,
      collect() {
        this.reset();
        for (const [hundred, count] of responses.entries()) if (hundred > 0) this.inc({ class: `${hundred}xx` }, count);
      },
    });
    new Counter({
      name: 'adit_broker_own_answers_total',
      help: 'Answers made by the broker itself',
      labelNames: ['code'],
      registers,
      collect() {
        this.reset();
        for (const [code, count] of ownAnswers) this.inc({ code }, count);
      },
    });
    counter('adit_broker_retries_total', 'Requests sent to another session or peer', () => this.retries);
    counter('adit_broker_refused_connections_total', 'Connections beyond a limit', () => this.refusedConnections);
    counter('adit_broker_received_bytes_total', 'Bytes from visitors', () => this.receivedBytes);
    counter('adit_broker_sent_bytes_total', 'Bytes to visitors', () => this.sentBytes);
    counter('adit_broker_upgrades_total', 'Connections upgraded', () => this.upgraded);
    gauge('adit_broker_connections', 'Open connections of visitors and peers', () => this.connections);
    gauge('adit_broker_requests_in_flight', 'Requests without a whole response', () => this.inFlight);
    gauge('adit_broker_sessions', 'Live sessions of agents', live.sessions);
    gauge('adit_broker_hosts', 'Hosts with a session', live.hosts);
    gauge('adit_broker_peers', 'Peers that are followed now', live.peers);
    gauge('adit_broker_streams', 'Open streams of all sessions', live.streams);
    this.#seconds = new PlainHistogram({
      name: 'adit_broker_response_head_seconds',
      help: 'Time to the response head',
      registers: [],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    });
    this.registry.registerMetric(this.#seconds);
  }

  countResponse(status: number, tookMs: number): void {
    const hundred = Math.min(5, Math.floor(status / 100));
    this.responses[hundred] = (this.responses[hundred] ?? 0) + 1;
    this.#seconds.add(tookMs / 1000);
  }

  countOwn(code: string): void {
    this.ownAnswers.set(code, (this.ownAnswers.get(code) ?? 0) + 1);
  }
}
