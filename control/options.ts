import type { Logger } from 'pino';
import { z } from 'zod';

import { edgeHeartbeat } from '../shared/control/api.ts';

import { ControlError } from './errors.ts';
import type { RandomBytes } from './random-name.ts';

/** No token lives longer, whatever was asked for: what was revoked is listed for as long. */
export const TOKEN_MAX_SECONDS = 3600;

const limits = z.object({
  leasesPerAgent: z.number().int().min(1).default(32),
  hostsPerAgent: z.number().int().min(1).max(64).default(64),
  /** Enrolled agents, all together. */
  agents: z.number().int().min(1).default(100_000),
  /** Those who follow the directory at the same time. */
  listeners: z.number().int().min(1).default(2000),
  /** Requests of one address. */
  addressPerSecond: z.number().positive().default(100),
  addressBurst: z.number().int().min(1).default(400),
  /** Requests of one agent. */
  agentPerSecond: z.number().positive().default(5),
  agentBurst: z.number().int().min(1).default(60),
});

const key = z.string().regex(/^[A-Za-z0-9\-._~+/]+=*$/, 'must be non-empty and made of A–Z a–z 0–9 - . _ ~ + / =');

const optionsSchema = z.object({
  host: z.string().min(1),
  /** 0: the system chooses. */
  port: z.number().int().min(0).max(65_535),
  /** A path, or `:memory:`. */
  database: z.string().min(1),
  /** `iss` of the tokens. */
  issuer: z.string().min(1).default('adit'),
  /** Bearers of `POST /v1/agents`. None: no agent can enrol. */
  enrolmentKeys: z.array(key).max(64),
  /** Bearers of the heartbeats of brokers and edges. None: no broker can register. */
  brokerKeys: z.array(key).max(64),
  /** Preview hosts are made under it. */
  domain: z
    .string()
    .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/)
    .max(180),
  /** `https://{host}/`; absent: that of the newest registered edge. */
  publicUrl: edgeHeartbeat.shape.publicUrl.optional(),
  /** Entropy of the random part of a host, in bits. */
  nameBits: z.number().int().min(20).max(256).default(128),
  /** Longest life of a tunnel token. */
  tokenSeconds: z.number().int().min(5).max(TOKEN_MAX_SECONDS).default(TOKEN_MAX_SECONDS),
  leaseLimits: limits.prefault({}),
});

export type ControlLimits = z.infer<typeof limits>;

export interface ControlOptions extends z.input<typeof optionsSchema> {
  readonly log: Logger;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  readonly randomBytes?: RandomBytes;
}

/** Options with their defaults. Throws `invalid-option` naming the option. */
export function parseOptions(options: ControlOptions): z.output<typeof optionsSchema> {
  const parsed = optionsSchema.safeParse(options);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new ControlError('invalid-option', `option ${issue?.path.join('.') ?? '?'}: ${issue?.message ?? 'is wrong'}`);
}
