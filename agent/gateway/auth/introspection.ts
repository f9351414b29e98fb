import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { IntrospectionConfig } from '../../../shared/gateway/auth.ts';
import type { Claims } from '../../../shared/gateway/claim-path.ts';
import { AgentError } from '../../errors.ts';
import { askServer } from './ask-server.ts';

/** An answer counts this long, and no longer than the token. */
const KEPT_MS = 10_000;
const MAX_KEPT = 1024;
const answerShape = z.looseObject({ active: z.boolean(), exp: z.number().optional() });

interface Kept {
  readonly claims: Claims | undefined;
  readonly until: number;
}

/** Asks an authorization server what a token is worth (RFC 7662), and keeps its answers for seconds. */
export class Introspection {
  readonly #config: IntrospectionConfig;
  readonly #clock: () => number;
  /** By digest of the token; the oldest first. */
  readonly #kept = new Map<string, Kept>();
  readonly #asking = new Map<string, Promise<Claims | undefined>>();

  constructor(config: IntrospectionConfig, clock: () => number) {
    this.#config = config;
    this.#clock = clock;
  }

  /** Undefined: the token is not active. Throws AgentError `auth-unavailable`. */
  claims(token: string): Promise<Claims | undefined> {
    const digest = createHash('sha256').update(token).digest('base64');
    const kept = this.#kept.get(digest);
    if (kept !== undefined && kept.until > this.#clock()) return Promise.resolve(kept.claims);
    const asking = this.#asking.get(digest);
    if (asking !== undefined) return asking;
    const asked = this.#ask(token, digest).finally(() => this.#asking.delete(digest));
    this.#asking.set(digest, asked);
    return asked;
  }

  async #ask(token: string, digest: string): Promise<Claims | undefined> {
    const { url, headers, tokenTypeHint, client } = this.#config;
    const form = new URLSearchParams({
      token,
      ...(tokenTypeHint === undefined ? {} : { token_type_hint: tokenTypeHint }),
    });
    const { origin } = new URL(url);
    const { status, body } = await askServer(new URL(url), {
      method: 'POST',
      headers: { accept: 'application/json', ...headers, 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
      client,
    });
    const read = status === 200 ? answerShape.safeParse(parsed(body)) : undefined;
    if (read?.success !== true)
      throw new AgentError('auth-unavailable', `${origin} answered ${status}, and not what a token is worth.`);
    const { active, exp } = read.data;
    const leftMs = exp === undefined ? KEPT_MS : exp * 1000 - Date.now();
    const claims = active && leftMs > 0 ? read.data : undefined;
    this.#keep(digest, { claims, until: this.#clock() + Math.max(0, Math.min(KEPT_MS, claims ? leftMs : KEPT_MS)) });
    return claims;
  }

  #keep(digest: string, kept: Kept): void {
    this.#kept.delete(digest);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size >= MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    this.#kept.set(digest, kept);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
