import { z } from 'zod';

/**
 * The agent's local API: loopback only, `Authorization: Bearer TOKEN` (given by its parent in `ADIT_AGENT_TOKEN`, or
 * made at start), `Host` must be a loopback name. The same for the app, the command line and an agent in a cluster.
 *
 *   GET    /v1/status                 status
 *   PUT    /v1/preview                previewRequest → status; replaces the running one, keeps its hosts
 *   DELETE /v1/preview                ends it: hosts are given back, sessions closed
 *   PUT    /v1/overlay                unsaved buffers: overlayRequest → 204; they take the place of the files
 *   GET    /v1/exchanges?after&limit  exchangeList, oldest first
 *   GET    /v1/exchanges/ID           exchange, with heads and bodies
 *   DELETE /v1/exchanges
 *   GET    /v1/events                 WebSocket: agentEvent, one JSON text message each
 *   GET    /v1/metrics                Prometheus' text format, when `adit.yaml` asks for it
 *   POST   /v1/stop                   202, then the process ends in order
 */
export const previewSource = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('folder'), dir: z.string() }),
  /** A plain upstream without manifests. */
  z.object({ kind: z.literal('url'), url: z.url({ protocol: /^https?$/ }), name: z.string().optional() }),
]);
export type PreviewSource = z.infer<typeof previewSource>;

export const previewRequest = z.object({
  source: previewSource,
  /** Base URL by `NAMESPACE/NAME` or `NAMESPACE/NAME:PORT`; comes before what the manifests say. */
  upstreams: z.record(z.string(), z.url({ protocol: /^(https?|h2c)$/ })).default({}),
});
export type PreviewRequest = z.infer<typeof previewRequest>;

export const overlayRequest = z.object({ files: z.record(z.string(), z.string().nullable()) });

/** One link of the agent to one broker. */
export const link = z.object({
  broker: z.string(),
  region: z.string(),
  tunnel: z.string(),
  /** Public `HOST:PORT` of that broker. */
  address: z.string(),
  state: z.enum(['connecting', 'up', 'suspect', 'draining', 'waiting']),
  rttMs: z.number().optional(),
  /** When `waiting`: time of the next dial (ISO 8601), and what went wrong last. */
  retryAt: z.string().optional(),
  error: z.string().optional(),
});
export type Link = z.infer<typeof link>;

export const previewStatus = z.object({
  state: z.enum(['off', 'connecting', 'live', 'degraded', 'failed']),
  source: previewSource.optional(),
  /** Canonical preview hosts and the manifest host each stands for (`null`: any). */
  hosts: z.array(z.object({ host: z.string(), url: z.string(), stands: z.string().nullable() })),
  links: z.array(link),
  /** Links wanted. */
  wanted: z.number().int(),
  config: z.object({
    revision: z.number().int(),
    routes: z.number().int(),
    appliedAt: z.string().optional(),
    /** Why the newest manifests are not the ones that serve. */
    refused: z.string().optional(),
  }),
  control: z.object({ url: z.string().optional(), reachable: z.boolean(), error: z.string().optional() }),
  leaseExpiresAt: z.string().optional(),
  error: z.object({ code: z.string(), message: z.string(), hint: z.string().optional() }).optional(),
});
export type PreviewStatus = z.infer<typeof previewStatus>;

export const exchangeSummary = z.object({
  /** Rises by one. */
  seq: z.number().int(),
  id: z.string(),
  startedAt: z.string(),
  method: z.string(),
  host: z.string(),
  target: z.string(),
  /** Absent while it runs, and when the visitor went away before an answer. */
  status: z.number().int().optional(),
  tookMs: z.number().optional(),
  route: z.string().optional(),
  api: z.string().optional(),
  application: z.string().optional(),
  plan: z.string().optional(),
  broker: z.string(),
  attempt: z.number().int(),
  requestBytes: z.number().int(),
  responseBytes: z.number().int(),
  /** Set when the gateway itself answered: `unauthorized`, `forbidden`, `rate-limited`, `no-route`, `upstream-unreachable`, … */
  verdict: z.string().optional(),
});
export type ExchangeSummary = z.infer<typeof exchangeSummary>;

const headers = z.array(z.tuple([z.string(), z.string()]));
export const body = z.object({
  /** Base64 of the first bytes kept. */
  data: z.string(),
  bytes: z.number().int(),
  truncated: z.boolean(),
});
export const exchange = exchangeSummary.extend({
  /** Credentials are masked. */
  request: z.object({ headers, body }),
  response: z.object({ headers, body }).optional(),
  upstream: z.string().optional(),
  /** Of the trace that the exchange was part of (W3C trace context), when traces are made. */
  traceId: z.string().optional(),
  error: z.string().optional(),
});
export type Exchange = z.infer<typeof exchange>;
export const exchangeList = z.object({ exchanges: z.array(exchangeSummary), newest: z.number().int() });

export const agentEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('status'), status: previewStatus }),
  /** New and changed exchanges, by `seq`; at most one message each 50 ms. */
  z.object({ type: z.literal('exchanges'), exchanges: z.array(exchangeSummary) }),
]);
export type AgentEvent = z.infer<typeof agentEvent>;
