import type { Logger } from 'pino';
import { DEFAULT_HTTP1_LIMITS, withHeadroom } from '../shared/http1/limits.ts';
import type { Http1Limits } from '../shared/http1/limits.ts';
import type { AcmeOptions } from './acme-certificates.ts';
import type { CertificateFile } from './certificate-files.ts';
import { isLoopback } from './connection-facts.ts';

export interface ListenOptions {
  readonly host: string;
  /** 0: chosen by the system. */
  readonly port: number;
}

export interface BrokerOptions {
  readonly id: string;
  readonly region: string;
  /** `tunnel` accepts agents; `edge` relays to peers what it has no session for. Both answer visitors. */
  readonly roles: readonly ('tunnel' | 'edge')[];
  readonly public: ListenOptions & {
    /** TLS ends here, HTTP/2 is spoken; the files are read again when they change. The first is the default. */
    readonly tls?: readonly CertificateFile[];
    /** Certificates from an authority, beside those in files. */
    readonly acme?: AcmeOptions;
    /** Folder of a development CA, made when there is none: certificates for `localhost` and `test`, beside the others. */
    readonly developmentCa?: string;
    /** Connections from `trust` begin with a PROXY header, version 1 or 2. */
    readonly proxyProtocol?: boolean;
  };
  /** Our proxies in front of the public listener (`ADDRESS` or `ADDRESS/PREFIX`): what they say of visitors is believed. */
  readonly trust?: readonly string[];
  /** Without `tls` a plain WebSocket, for loopback and for a TLS terminator in front. PEM texts. */
  readonly tunnel?: ListenOptions & { readonly tls?: { readonly cert: string; readonly key: string } };
  /** For edges and other brokers, health and metrics; keep it private. */
  readonly peer?: ListenOptions;
  readonly peerSecret?: string;
  /** `HOST:PORT` of the peer listeners of other brokers. */
  readonly peers?: readonly string[];
  readonly control?: { readonly url: string; readonly brokerKey?: string };
  /** A JWKS document in place of the control plane's. */
  readonly jwksFile?: string;
  /** `iss` of the tunnel tokens. */
  readonly issuer: string;
  /** `http://{host}:PORT/`; default made from the public address. */
  readonly publicUrl?: string;
  /** What agents dial; default made from the tunnel listener's address. */
  readonly tunnelUrl?: string;
  readonly limits?: Partial<BrokerLimits>;
  readonly log: Logger;
  readonly onEvent?: (event: BrokerEvent) => void;
}

export type BrokerEvent =
  | { readonly type: 'session-up'; readonly agent: string; readonly session: string; readonly hosts: readonly string[] }
  | { readonly type: 'session-down'; readonly agent: string; readonly session: string; readonly reason: string }
  | { readonly type: 'peer-up'; readonly peer: string; readonly hosts: number }
  | { readonly type: 'peer-down'; readonly peer: string; readonly reason: string };

export interface Broker {
  /** `HOST:PORT` each; `tunnelUrl` is what agents dial. */
  readonly addresses: {
    readonly public: string;
    readonly tunnel?: string;
    readonly peer?: string;
    readonly tunnelUrl?: string;
  };
  /** A tunnel broker with a live tunnel; an edge that knows a peer with a host. */
  ready(): boolean;
  /** Tells agents and edges, lets running requests finish until the grace is over. */
  drain(how: { readonly graceMs: number }): Promise<void>;
  close(): Promise<void>;
}

export interface BrokerLimits {
  readonly maxConnections: number;
  /** Of one address (one /64 of IPv6), as all limits per address; trusted proxies have none. */
  readonly maxConnectionsPerAddress: number;
  /** 0: no limit. */
  readonly requestsPerSecondPerAddress: number;
  readonly requestBurstPerAddress: number;
  readonly tlsHandshakesPerSecondPerAddress: number;
  readonly tlsHandshakeBurstPerAddress: number;
  /** Of a request head; larger ones get 414 or 431. */
  readonly maxTargetBytes: number;
  readonly maxHeadBytes: number;
  readonly maxHeaders: number;
  /** Of one HTTP/2 connection. */
  readonly maxStreamsPerConnection: number;
  /** Requests in flight on the whole broker, and on one session or peer. */
  readonly maxInFlight: number;
  readonly maxInFlightPerTarget: number;
  readonly maxSessions: number;
  /** Tunnel handshakes of one address (one /64 of IPv6). */
  readonly handshakesPerSecond: number;
  readonly handshakeBurst: number;
  readonly headTimeoutMs: number;
  /** Between requests of a kept connection. */
  readonly keepAliveTimeoutMs: number;
  /** No byte of a request body for this long. */
  readonly bodyIdleTimeoutMs: number;
  /** A second, at least, of a request body that is waited for, and of a response that waits for its reader; 0: any. */
  readonly bodyFloorBytes: number;
  /** Over how long that is measured. A response leaves in pieces of what a session has in flight, hence longer. */
  readonly bodyPaceMs: number;
  readonly readerPaceMs: number;
  /** From the whole request to the response head. */
  readonly responseTimeoutMs: number;
  /** A try without response head is given up for another session after this time; 0: never. Safe requests only. */
  readonly tryTimeoutMs: number;
  /** No byte in either direction of a running response or an upgraded connection. */
  readonly streamIdleTimeoutMs: number;
  /** No byte of a running response for a visitor who has ended his side, or of a WebSocket that one side has ended. */
  readonly halfClosedIdleMs: number;
  readonly maxAttempts: number;
  /** Request body bytes kept for a retry of a request that was never delivered. */
  readonly replayBytes: number;
  /** An idle stream older than this is not used again: the gateway may be closing it. */
  readonly idleStreamMs: number;
  readonly maxIdleStreams: number;
  readonly pingIntervalMs: number;
  /** A ping unanswered for this long makes the session suspect; twice as long ends it. */
  readonly pingTimeoutMs: number;
  readonly tunnelMaxMessageBytes: number;
  /** What all sessions together may hold of responses that visitors read slowly. */
  readonly receiveBudgetBytes: number;
  /** After its start a tunnel broker says 503, not 404, of hosts that it does not know: their agents may be dialling. */
  readonly warmUpMs: number;
}

const DEFAULT_LIMITS: BrokerLimits = {
  maxConnections: 20_000,
  maxConnectionsPerAddress: 4_096,
  requestsPerSecondPerAddress: 0,
  requestBurstPerAddress: 0,
  tlsHandshakesPerSecondPerAddress: 0,
  tlsHandshakeBurstPerAddress: 0,
  maxTargetBytes: 8 * 1024,
  maxHeadBytes: 32 * 1024,
  maxHeaders: 128,
  maxStreamsPerConnection: 128,
  maxInFlight: 20_000,
  maxInFlightPerTarget: 4_096,
  maxSessions: 4_096,
  handshakesPerSecond: 100,
  handshakeBurst: 1_000,
  headTimeoutMs: 10_000,
  keepAliveTimeoutMs: 75_000,
  bodyIdleTimeoutMs: 60_000,
  bodyFloorBytes: 240,
  bodyPaceMs: 10_000,
  readerPaceMs: 120_000,
  responseTimeoutMs: 60_000,
  tryTimeoutMs: 0,
  streamIdleTimeoutMs: 600_000,
  halfClosedIdleMs: 15_000,
  maxAttempts: 4,
  replayBytes: 64 * 1024,
  idleStreamMs: 4_000,
  maxIdleStreams: 128,
  // A silence is suspect after at most 1.4 s and deadly after at most 2.4 s.
  pingIntervalMs: 400,
  pingTimeoutMs: 1_000,
  tunnelMaxMessageBytes: 2 * 1024 * 1024,
  receiveBudgetBytes: 512 * 1024 * 1024,
  // The longest wait of an agent between two dials.
  warmUpMs: 15_000,
};

/** On a listener that others than this machine reach: there an address is a visitor, or a few behind one router. */
const OPEN_LIMITS: Partial<BrokerLimits> = {
  maxConnectionsPerAddress: 1_024,
  requestsPerSecondPerAddress: 1_000,
  requestBurstPerAddress: 2_000,
  tlsHandshakesPerSecondPerAddress: 100,
  tlsHandshakeBurstPerAddress: 500,
};

export function limitsFor(options: Pick<BrokerOptions, 'public' | 'limits'>): BrokerLimits {
  return { ...DEFAULT_LIMITS, ...(isLoopback(options.public.host) ? {} : OPEN_LIMITS), ...options.limits };
}

const HEAD_LIMITS = new WeakMap<BrokerLimits, Http1Limits>();
const RELAYED_HEAD_LIMITS = new WeakMap<BrokerLimits, Http1Limits>();

/** The limits of messages, made once. */
export function headLimits(limits: BrokerLimits, fromEdge = false): Http1Limits {
  const known = fromEdge ? RELAYED_HEAD_LIMITS : HEAD_LIMITS;
  let made = known.get(limits);
  if (made === undefined) {
    const { maxTargetBytes, maxHeadBytes, maxHeaders } = limits;
    made = { ...DEFAULT_HTTP1_LIMITS, maxTargetBytes, maxHeadBytes, maxHeaders };
    if (fromEdge) made = withHeadroom(made);
    known.set(limits, made);
  }
  return made;
}
