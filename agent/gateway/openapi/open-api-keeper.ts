import type { Logger } from 'pino';
import type { OpenApiConfig } from '../../../shared/gateway/open-api.ts';
import { HeaderList } from '../../../shared/http1/header-list.ts';
import { toAgentError } from '../../errors.ts';
import { collectAnswer, type CollectedAnswer } from '../middlewares/collect-answer.ts';
import type { Service } from '../services/choice.ts';
import type { UpstreamPool } from '../upstream-pool.ts';
import { upstreamTarget, type UpstreamTarget } from '../upstream-target.ts';
import type { Contract } from './contract.ts';

/** A contract, or why there is none. */
export type Loaded = Contract | string;

const MAX_BYTES = 4 * 1024 * 1024;
const TIMEOUT_MS = 10_000;
const MAX_REDIRECTS = 5;
/** Without `refreshInterval`. */
const REFRESH_MS = 300_000;
const MIN_REFRESH_MS = 60_000;
/** What a timer takes: a longer one would end at once. */
const MAX_REFRESH_MS = 2 ** 31 - 1;
const RETRY_MS = 5_000;

/** Fetches the OpenAPI document of one API, again and again; the last good one serves until there is a better. */
export class OpenApiKeeper {
  readonly #config: OpenApiConfig;
  readonly #pool: UpstreamPool;
  #service: Service | undefined;
  readonly #log: Logger | undefined;
  #loaded: Loaded | undefined;
  #text = '';
  #first: Promise<Loaded> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #cancel: (() => void) | undefined;
  #closed = false;

  constructor(config: OpenApiConfig, pool: UpstreamPool, log?: Logger) {
    this.#config = config;
    this.#pool = pool;
    this.#log = log;
  }

  /** `service`: has the document, unless it is at a URL. Said again for each new configuration. */
  start(service: Service | undefined): void {
    this.#service = service;
    this.#first ??= this.#load();
  }

  /** Waits for the first answer only. */
  get contract(): Loaded | Promise<Loaded> {
    return this.#loaded ?? this.#first ?? 'The OpenAPI document was not asked for yet.';
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#cancel?.();
  }

  async #load(): Promise<Loaded> {
    const { source, refreshMs = REFRESH_MS, bases } = this.#config;
    let loaded: Loaded;
    try {
      const text = await this.#fetch();
      if (text === this.#text && this.#loaded !== undefined) loaded = this.#loaded;
      else {
        const [{ readOpenApi }, { Contract: Made }] = await Promise.all([
          import('./read-open-api.ts'),
          import('./contract.ts'),
        ]);
        loaded = new Made(readOpenApi(text), bases);
        this.#text = text;
      }
    } catch (error) {
      loaded = toAgentError(error, 'openapi-unreadable').message;
      if (!this.#closed) this.#log?.warn(`${source.kind} ${source.namespace}/${source.name}: ${loaded}`);
      // What was right before is better than nothing.
      if (this.#loaded !== undefined && typeof this.#loaded !== 'string') loaded = this.#loaded;
    }
    this.#loaded = loaded;
    const again = typeof loaded === 'string' ? RETRY_MS : Math.min(Math.max(MIN_REFRESH_MS, refreshMs), MAX_REFRESH_MS);
    if (!this.#closed) this.#timer = setTimeout(() => void this.#load(), again).unref();
    return loaded;
  }

  async #fetch(): Promise<string> {
    const { from } = this.#config;
    if ('path' in from) {
      const choice = this.#service?.choose({ clientIp: '', headerValues: () => [] });
      if (choice?.kind !== 'server') throw new Error(`No server is known for ${from.path}`);
      return textOf(await this.#ask(choice.target, `${choice.target.basePath}${from.path}`));
    }
    let url = new URL(from.url);
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      const answer = await this.#ask(upstreamTarget(url.origin), `${url.pathname}${url.search}`);
      const location = answer.status >= 300 && answer.status < 400 ? answer.headers.get('location') : undefined;
      if (location === undefined) return textOf(answer);
      url = new URL(location, url);
    }
    throw new Error(`${from.url} redirects more than ${MAX_REDIRECTS} times`);
  }

  async #ask(target: UpstreamTarget, uri: string): Promise<CollectedAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<CollectedAnswer>();
    const headers = new HeaderList([
      ['Host', target.hostHeader],
      ['Accept', 'application/json, application/yaml'],
    ]);
    const request = { target, method: 'GET', uri, headers, timeoutMs: TIMEOUT_MS, maxAnswerBytes: MAX_BYTES };
    const cancel = collectAnswer(this.#pool, request, (answer) => {
      if ('status' in answer && 'body' in answer) resolve(answer);
      else reject(answer);
    });
    this.#cancel = () => {
      cancel();
      reject(new Error('the API is gone'));
    };
    return promise;
  }
}

function textOf({ status, body }: CollectedAnswer): string {
  if (status !== 200) throw new Error(`The OpenAPI document was answered with ${status}`);
  return body.toString('utf8');
}
