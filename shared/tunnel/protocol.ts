import { z } from 'zod';

/** The WebSocket sub-protocol of a tunnel: Yamux frames in binary messages; the broker is the Yamux server. */
export const TUNNEL_SUBPROTOCOL = 'adit.v1+yamux';
/** The path of the tunnel endpoint on a broker's tunnel listener. */
export const TUNNEL_PATH = '/tunnel';
/** `aud` of tunnel tokens. */
export const TUNNEL_AUDIENCE = 'adit-broker';

/**
 * Headers that the broker sets on a request into the tunnel. Whatever a visitor sends under the prefix is dropped.
 * The gateway removes them before the upstream sees the request.
 */
export const INTERNAL_HEADER_PREFIX = 'x-adit-';
export const INTERNAL_HEADERS = {
  /** Id of the exchange, given by the first edge or broker that saw it. */
  requestId: 'x-adit-request-id',
  /** Id of the broker whose session carried it, when it is another than the one that the agent dialled. */
  broker: 'x-adit-broker',
  /** 2 for the retry on another session, and so on; the first try does not say it. */
  attempt: 'x-adit-attempt',
  /** Of a visitor who came by TLS: its version and cipher, such as `1.3 TLS_AES_128_GCM_SHA256`. */
  tls: 'x-adit-tls',
  /** Of the visitor's HTTP, when it is another than 1.1. */
  httpVersion: 'x-adit-http',
} as const;

/** Claims of a tunnel token (JWT, EdDSA, signed by the control plane, verified with its JWKS). */
export const tunnelClaims = z.object({
  iss: z.string(),
  aud: z.literal(TUNNEL_AUDIENCE),
  /** Agent id. */
  sub: z.string().min(1),
  /** Canonical preview hosts (lower case, no port) that the agent may serve. */
  hosts: z.array(z.string()).max(64),
  /** Seconds since the epoch. */
  iat: z.number().int(),
  exp: z.number().int(),
  jti: z.string(),
});
export type TunnelClaims = z.infer<typeof tunnelClaims>;

/**
 * The control stream is the first stream that the broker opens: one JSON object a line, in both directions, at most
 * 64 KiB a line. Unknown types are ignored, so that either side may be newer.
 */
export const brokerMessage = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('hello'),
    broker: z.string(),
    region: z.string(),
    session: z.string(),
    version: z.string(),
  }),
  /** The broker goes away: open streams may finish until `graceMs` is over; the agent dials another broker now. */
  z.object({ type: z.literal('drain'), graceMs: z.number().int().nonnegative(), reason: z.string() }),
  /** The broker has too much to do: the agent moves this session to another broker when it finds one. */
  z.object({ type: z.literal('rebalance'), reason: z.string() }),
  z.object({ type: z.literal('host-added'), host: z.string() }),
  /** The host was refused or withdrawn for this session. */
  z.object({ type: z.literal('host-removed'), host: z.string(), reason: z.string() }),
]);
export type BrokerMessage = z.infer<typeof brokerMessage>;

export const agentMessage = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('hello'),
    agent: z.string(),
    version: z.string(),
    /** Rises with each dial of this agent process start: the newest session of an agent wins a host. */
    generation: z.number().int().nonnegative(),
    hosts: z.array(z.string()).max(64),
  }),
  /** A new token for the running session, before the old one expires. */
  z.object({ type: z.literal('renew'), token: z.string() }),
  z.object({ type: z.literal('load'), inFlight: z.number().int().nonnegative() }),
]);
export type AgentMessage = z.infer<typeof agentMessage>;
