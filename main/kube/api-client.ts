import { Agent, ProxyAgent, request, Socks5ProxyAgent } from 'undici';
import type { Dispatcher } from 'undici';
import type { Access, RequestCredentials } from './access.ts';
import { apiFail, apiOk, notKubernetes, parseJson, refusalOf, transportError } from './api-error.ts';
import type { ApiResult } from './api-error.ts';
import { kubeFailure } from './errors.ts';
import type { KubeObject } from './port.ts';

const MAX_BODY_BYTES = 64 * 1024 * 1024;
const MAX_WATCH_LINE_BYTES = 8 * 1024 * 1024;
const USER_AGENT = 'adit';

export interface ApiRequest {
  readonly method: 'GET' | 'PATCH';
  /** Below the server's URL, with query: `/api/v1/services?limit=500`. */
  readonly path: string;
  readonly accept?: string | undefined;
  readonly contentType?: string | undefined;
  readonly body?: string | undefined;
}

export interface WatchRequest {
  readonly path: string;
  readonly accept: string;
  readonly silenceMs: number;
  /** The server accepted the watch. */
  onOpen(): void;
  onEvent(event: KubeObject): void;
}

export interface ApiAnswer {
  readonly value: KubeObject;
  /** `Warning` headers of the server, without code and agent. */
  readonly warnings: readonly string[];
}

/** Speaks to one API server as one user. Never rejects; every request has a time limit. */
export class ApiClient {
  readonly access: Access;
  readonly #timeoutMs: number;
  readonly #stop = new AbortController();
  #dispatcher: { readonly certificate: string; readonly made: Dispatcher } | undefined;

  constructor(access: Access, timeoutMs: number) {
    this.access = access;
    this.#timeoutMs = timeoutMs;
  }

  async get(path: string, signal?: AbortSignal, accept?: string): Promise<ApiResult<KubeObject>> {
    const answer = await this.send({ method: 'GET', path, accept }, signal);
    return answer.ok ? apiOk(answer.value.value) : answer;
  }

  async send(wanted: ApiRequest, signal?: AbortSignal): Promise<ApiResult<ApiAnswer>> {
    const cancel = this.#anyOf(signal);
    let limit = cancel;
    const opened = await this.#open(
      wanted,
      cancel,
      () => (limit = AbortSignal.any([cancel, AbortSignal.timeout(this.#timeoutMs)])),
    );
    if (!opened.ok) return opened;
    const { body, headers } = opened.value;
    try {
      const text = await readText(body);
      if (text === undefined)
        return { ok: false, error: notKubernetes(this.access, 'The answer is larger than 64 MiB', '') };
      const value = parseJson(text);
      if (!isObject(value))
        return { ok: false, error: notKubernetes(this.access, 'The answer is not a JSON object', text) };
      return apiOk({ value, warnings: warningTexts(headers['warning']) });
    } catch (error) {
      return { ok: false, error: transportError(this.access, error, limit, this.#timeoutMs) };
    }
  }

  /**
   * Calls `onEvent` for each line of a watch until the server ends it, it fails, or `signal` aborts. The server closes a
   * watch after `timeoutSeconds` of the path; silence far beyond that is taken as a lost connection.
   */
  async watch(wanted: WatchRequest, signal: AbortSignal): Promise<ApiResult<undefined>> {
    const { path, accept, silenceMs, onOpen, onEvent } = wanted;
    const lost = new AbortController();
    const limit = this.#anyOf(signal, lost.signal);
    let timer: NodeJS.Timeout | undefined;
    const listen = (forMs: number) => {
      clearTimeout(timer);
      timer = setTimeout(() => lost.abort(new DOMException('silent', 'TimeoutError')), forMs);
      return limit;
    };
    try {
      const opened = await this.#open({ method: 'GET', path, accept }, limit, () => listen(this.#timeoutMs));
      if (!opened.ok) return opened;
      onOpen();
      listen(silenceMs);
      opened.value.body.setEncoding('utf8');
      let rest = '';
      for await (const chunk of opened.value.body) {
        listen(silenceMs);
        const lines = (rest + String(chunk)).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) {
          const event = line === '' ? undefined : parseJson(line);
          if (isObject(event)) onEvent(event);
          else if (line !== '')
            return { ok: false, error: notKubernetes(this.access, 'A watch sent no JSON object', line) };
        }
        if (rest.length > MAX_WATCH_LINE_BYTES) {
          return { ok: false, error: notKubernetes(this.access, 'An event of a watch is larger than 8 MiB', '') };
        }
      }
      return apiOk(undefined);
    } catch (error) {
      return { ok: false, error: transportError(this.access, error, limit, silenceMs) };
    } finally {
      clearTimeout(timer);
      lost.abort();
    }
  }

  /** Ends every request under way. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.access.close();
    await this.#dispatcher?.made.destroy();
  }

  #anyOf(...signals: readonly (AbortSignal | undefined)[]): AbortSignal {
    return AbortSignal.any([this.#stop.signal, ...signals.filter((signal) => signal !== undefined)]);
  }

  /**
   * A 401 makes it ask for new credentials once. The time limit starts when the credentials are there: a plugin has its
   * own, longer one, because a person may have to log in.
   */
  async #open(
    wanted: ApiRequest,
    cancel: AbortSignal,
    startLimit: () => AbortSignal,
  ): Promise<ApiResult<Dispatcher.ResponseData>> {
    for (let attempt = 0; ; attempt += 1) {
      const credentials = await untilAborted(this.access.credentials(), cancel);
      if (!credentials) return { ok: false, error: transportError(this.access, undefined, cancel, this.#timeoutMs) };
      if (!credentials.ok) return apiFail(credentials.error, false);
      const limit = startLimit();
      try {
        const response = await this.#request(wanted, credentials.value, limit);
        if (response.statusCode >= 200 && response.statusCode < 300) return apiOk(response);
        const text = (await readText(response.body)) ?? '';
        if (response.statusCode === 401 && attempt === 0 && this.access.renew()) continue;
        return { ok: false, error: refusalOf(this.access, response.statusCode, text) };
      } catch (error) {
        if (error instanceof UnsupportedProxy) return apiFail(kubeFailure('kube-config-invalid', error.message), false);
        return { ok: false, error: transportError(this.access, error, limit, this.#timeoutMs) };
      }
    }
  }

  async #request(
    wanted: ApiRequest,
    credentials: RequestCredentials,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    const base = this.access.server.href.replace(/\/+$/, '');
    return await request(base + wanted.path, {
      dispatcher: this.#dispatcherFor(credentials),
      method: wanted.method,
      signal,
      headers: {
        accept: wanted.accept ?? 'application/json',
        'user-agent': USER_AGENT,
        ...(wanted.contentType === undefined ? {} : { 'content-type': wanted.contentType }),
        ...credentials.headers,
      },
      body: wanted.body ?? null,
    });
  }

  #dispatcherFor(credentials: RequestCredentials): Dispatcher {
    const certificate = credentials.tls?.cert ?? '';
    if (this.#dispatcher?.certificate === certificate) return this.#dispatcher.made;
    // Not destroyed but closed: requests under the old certificate may still be running.
    void this.#dispatcher?.made.close();
    const made = makeDispatcher(this.access, { ...this.access.tls, ...credentials.tls }, this.#timeoutMs);
    this.#dispatcher = { certificate, made };
    return made;
  }
}

class UnsupportedProxy extends Error {}

function makeDispatcher(access: Access, tls: object, timeoutMs: number): Dispatcher {
  // Time limits are the signals of each request; a quiet watch must not be cut by the client's own.
  const common = { headersTimeout: 0, bodyTimeout: 0, allowH2: false };
  if (access.proxy === undefined) return new Agent({ ...common, connect: { ...tls, timeout: timeoutMs } });
  const proxy = URL.parse(access.proxy);
  if (proxy && /^https?:$/.test(proxy.protocol)) return new ProxyAgent({ ...common, uri: proxy.href, requestTls: tls });
  if (proxy && /^socks5h?:$/.test(proxy.protocol)) {
    return new Socks5ProxyAgent(proxy.href.replace(/^socks5h:/, 'socks5:'), { ...common, requestTls: tls });
  }
  throw new UnsupportedProxy(`Cluster ${access.cluster}: proxy-url is neither http, https nor socks5: ${access.proxy}`);
}

/** Undefined when the body is too large; the rest of it is then not read. */
async function readText(body: Dispatcher.ResponseData['body']): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    const part = Buffer.from(chunk);
    bytes += part.byteLength;
    if (bytes > MAX_BODY_BYTES) return undefined;
    chunks.push(part);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** RFC 7234 §5.5: `299 - "text"`; the API server escapes quotes and backslashes. */
function warningTexts(header: string | string[] | undefined): string[] {
  const all = Array.isArray(header) ? header.join(', ') : (header ?? '');
  return [...all.matchAll(/\d{3} \S+ "((?:[^"\\]|\\.)*)"/g)].map((match) =>
    (match[1] ?? '').replaceAll(/\\(.)/g, '$1'),
  );
}

async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  if (signal.aborted) return undefined;
  let stop: (() => void) | undefined;
  const aborted = new Promise<undefined>((done) => {
    stop = () => done(undefined);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    if (stop) signal.removeEventListener('abort', stop);
  }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
