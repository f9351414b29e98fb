import type * as Library from 'openid-client';
import type { OidcConfig } from '../../../../shared/gateway/auth.ts';
import { AgentError } from '../../../errors.ts';
import { askServer } from '../ask-server.ts';

const CLIENT = { timeoutMs: 5_000, maxRetries: 1, insecureSkipVerify: false };
/** After a failure the provider is not asked for a while. */
const PAUSE_MS = 2_000;
/** What the provider says of itself counts this long. */
const FRESH_MS = 60 * 60_000;

/** The provider of a policy, found when it is first needed. */
export class Provider {
  readonly #config: OidcConfig;
  readonly #clock: () => number;
  #found: Promise<Library.Configuration> | undefined;
  #until = -Infinity;

  constructor(config: OidcConfig, clock: () => number) {
    this.#config = config;
    this.#clock = clock;
  }

  /** Throws AgentError `auth-unavailable`. */
  async use<T>(run: (library: typeof Library, provider: Library.Configuration) => Promise<T> | T): Promise<T> {
    const library = await import('openid-client');
    if (this.#clock() >= this.#until) this.#found = undefined;
    if (this.#found === undefined) {
      this.#until = this.#clock() + FRESH_MS;
      this.#found = this.#discover(library).catch((error: unknown) => {
        this.#until = this.#clock() + PAUSE_MS;
        throw this.#unavailable(error);
      });
    }
    const provider = await this.#found;
    return await run(library, provider);
  }

  async #discover(library: typeof Library): Promise<Library.Configuration> {
    const { issuer, clientId, clientSecret } = this.#config;
    const url = new URL(issuer);
    const found = await library.discovery(url, clientId, undefined, library.ClientSecretBasic(clientSecret), {
      [library.customFetch]: ask,
      execute: url.protocol === 'http:' ? [library.allowInsecureRequests] : [],
    });
    found[library.customFetch] = ask;
    return found;
  }

  #unavailable(error: unknown): AgentError {
    if (error instanceof AgentError) return error;
    const why = error instanceof Error ? error.message : String(error);
    return new AgentError('auth-unavailable', `The provider ${this.#config.issuer} is not as expected: ${why}.`, {
      cause: error,
    });
  }
}

/** In place of `fetch`, with our limits and the guard of addresses. */
async function ask(
  url: string,
  options: { method: string; headers: Record<string, string>; body?: unknown; signal?: AbortSignal | undefined },
): Promise<Response> {
  const { method, headers, body, signal } = options;
  const answer = await askServer(new URL(url), {
    method,
    headers,
    body: typeof body === 'string' ? body : body instanceof URLSearchParams ? body.toString() : undefined,
    client: CLIENT,
    signal,
  });
  const received = new Headers();
  for (const [name, value] of Object.entries(answer.headers))
    for (const one of value === undefined ? [] : [value].flat()) received.append(name, one);
  const empty = answer.status === 204 || answer.status === 304;
  return new Response(empty ? null : answer.body, { status: answer.status, headers: received });
}
