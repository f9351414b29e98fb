import type { Logger } from 'pino';
import { revocationList } from '../shared/control/api.ts';
import type { Revocation } from '../shared/control/api.ts';
import { fail, ok } from '../shared/result/result.ts';
import type { Result } from '../shared/result/result.ts';
import type { TunnelClaims } from '../shared/tunnel/protocol.ts';
import { callControl, successOf } from './control-call.ts';

const POLL_MS = 1_000;
const LONGEST_RETRY_MS = 15_000;
const TIMEOUT_MS = 5_000;

export interface RevocationsOptions {
  readonly url: string;
  readonly key: string | undefined;
  readonly log: Logger;
  /** Something was revoked: sessions must be looked at again. */
  readonly onChange: () => void;
}

/**
 * What the control plane has withdrawn from tokens that it signed: asked for every second, with the ETag of the last
 * answer. Kept while the control plane is away.
 */
export class Revocations {
  readonly #options: RevocationsOptions;
  readonly #abort = new AbortController();
  #etag: string | undefined;
  #tokens: ReadonlySet<string> = new Set();
  #agents: ReadonlySet<string> = new Set();
  #hosts: ReadonlyMap<string, ReadonlySet<string>> = new Map();
  #retryMs = POLL_MS;
  #warned = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RevocationsOptions) {
    this.#options = options;
  }

  /** Resolves after the first try, whatever came of it. */
  start(): Promise<void> {
    return this.#poll();
  }

  stop(): void {
    this.#abort.abort();
    clearTimeout(this.#timer);
  }

  /** The claims that remain; a failure when none do. */
  check(claims: TunnelClaims): Result<TunnelClaims> {
    if (this.#agents.has(claims.sub)) return fail('broker.unauthorized', 'the agent was revoked');
    if (this.#tokens.has(claims.jti)) return fail('broker.unauthorized', 'the token was revoked');
    const gone = this.#hosts.get(claims.sub);
    if (gone === undefined) return ok(claims);
    const hosts = claims.hosts.filter((host) => !gone.has(host));
    return hosts.length === 0 && claims.hosts.length > 0
      ? fail('broker.unauthorized', 'the hosts of the token were given back')
      : ok({ ...claims, hosts });
  }

  async #poll(): Promise<void> {
    const { url, key, log, onChange } = this.#options;
    let nextMs = POLL_MS;
    try {
      const answer = await callControl(new URL('/v1/revocations', url), {
        headers: {
          ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
          ...(this.#etag === undefined ? {} : { 'if-none-match': this.#etag }),
        },
        timeoutMs: TIMEOUT_MS,
        signal: this.#abort.signal,
      });
      if (answer.status !== 304) {
        this.#use(revocationList.parse(JSON.parse(successOf(answer))).revocations);
        this.#etag = answer.etag;
        onChange();
      }
      this.#retryMs = POLL_MS;
      this.#warned = false;
    } catch (error) {
      nextMs = this.#retryMs;
      this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS);
      if (!this.#warned && !this.#abort.signal.aborted)
        log.warn({ err: error, control: url }, 'cannot ask what was revoked; what is known still holds');
      this.#warned = true;
    }
    if (this.#abort.signal.aborted) return;
    this.#timer = setTimeout(() => void this.#poll(), nextMs);
    this.#timer.unref();
  }

  #use(list: readonly Revocation[]): void {
    const agents = new Set<string>();
    const tokens = new Set<string>();
    const hosts = new Map<string, Set<string>>();
    for (const entry of list) {
      if (entry.token !== undefined) tokens.add(entry.token);
      else if (entry.hosts === undefined) agents.add(entry.agent);
      else hosts.set(entry.agent, new Set([...(hosts.get(entry.agent) ?? []), ...entry.hosts]));
    }
    this.#tokens = tokens;
    this.#agents = agents;
    this.#hosts = hosts;
  }
}
