import { z } from 'zod';

/** The control plane's HTTP API, version 1. Errors are problem documents (RFC 9457). Times are ISO 8601 in UTC. */

export const brokerRecord = z.object({
  id: z.string().min(1),
  region: z.string(),
  /** Where agents dial, `wss://HOST:PORT/tunnel`. */
  tunnel: z.url(),
  /** Public listener of the broker itself, `HOST:PORT`. */
  address: z.string(),
  /** Listener for edges and other brokers, `HOST:PORT`. */
  peer: z.string().optional(),
  /** Sessions now, for agents that choose. */
  sessions: z.number().int().nonnegative().default(0),
  draining: z.boolean().default(false),
});
export type BrokerRecord = z.infer<typeof brokerRecord>;

/** `POST /v1/agents` with `Authorization: Bearer ENROLMENT-KEY`. */
export const enrolRequest = z.object({ name: z.string().min(1).max(63) });
export const enrolReply = z.object({
  agentId: z.string(),
  /** Shown once; bearer of the calls below. */ secret: z.string(),
});
export type EnrolReply = z.infer<typeof enrolReply>;

/** `POST /v1/leases` with `Authorization: Bearer AGENT-SECRET`. */
export const leaseRequest = z.object({
  /** Wanted first labels, in order; each gets a random suffix. One host a name. */
  names: z
    .array(z.string().regex(/^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$/))
    .min(1)
    .max(16),
  ttlSeconds: z.number().int().min(60).max(86_400).default(3600),
});
export const lease = z.object({
  id: z.string(),
  /** Same order as the names. */
  hosts: z.array(z.string()),
  /** Public URL of each host, with scheme and port, ending in `/`. */
  urls: z.array(z.string()),
  expiresAt: z.iso.datetime(),
  /** JWT for the tunnels; see `shared/tunnel/protocol.ts`. */
  token: z.string(),
  /** Prefer these brokers, best first. */
  brokers: z.array(brokerRecord),
});
export type Lease = z.infer<typeof lease>;

/** `POST /v1/leases/ID/renew` answers a `lease` again; `DELETE /v1/leases/ID` ends it (204). */
export const renewRequest = z.object({ ttlSeconds: z.number().int().min(60).max(86_400).default(3600) });

/** `GET /v1/brokers`; `GET /v1/brokers/events` sends the same document as server-sent events, event `brokers`. */
export const brokerList = z.object({ brokers: z.array(brokerRecord) });
/** `PUT /v1/brokers/ID` with `Authorization: Bearer BROKER-KEY`: a broker registers and renews every 5 s; silence of 15 s removes it. */
export const brokerHeartbeat = brokerRecord.omit({ id: true });
export type BrokerHeartbeat = z.infer<typeof brokerHeartbeat>;

/**
 * `PUT /v1/edges/ID` with `Authorization: Bearer BROKER-KEY`, every 5 s like a broker: where visitors reach the hosts
 * behind this edge. `{host}` stands for the preview host, e.g. `http://{host}:8080/`.
 */
export const edgeHeartbeat = z.object({
  publicUrl: z
    .string()
    .max(255)
    .refine(
      (template) =>
        /^https?:\/\/\{host\}(:\d{1,5})?\/$/.test(template) &&
        URL.canParse(template.replace('{host}', 'preview.invalid')),
      'must look like http://{host}:8080/',
    ),
});
export type EdgeHeartbeat = z.infer<typeof edgeHeartbeat>;

/** `DELETE /v1/agents/ID` with an enrolment key: the agent, its leases and its tokens are worth nothing from now on (204). */

/** `DELETE /v1/agents/ID/tokens/JTI` with an enrolment key: this one token is worth nothing from now on (204). */

/**
 * `GET /v1/revocations` with `Authorization: Bearer BROKER-KEY`; has an `ETag`. With `token` (a `jti`) that one token, with
 * `hosts` these hosts of all tokens of the agent, with neither whatever its tokens say.
 */
export const revocation = z.object({
  agent: z.string(),
  hosts: z.array(z.string()).optional(),
  token: z.string().optional(),
});
export type Revocation = z.infer<typeof revocation>;
export const revocationList = z.object({ revocations: z.array(revocation).max(10_000) });

/** RFC 9457. `code` is ours and stable. */
export const problem = z.object({
  type: z.string().default('about:blank'),
  title: z.string(),
  status: z.number().int(),
  detail: z.string().optional(),
  code: z.string().optional(),
  instance: z.string().optional(),
});
export type Problem = z.infer<typeof problem>;
