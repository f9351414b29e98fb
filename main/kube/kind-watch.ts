import { fields, items, text } from '../../shared/manifests/field.ts';
import type { Failure } from '../../shared/result/result.ts';
import type { ApiClient } from './api-client.ts';
import { apiFail, apiOk } from './api-error.ts';
import type { ApiError, ApiResult } from './api-error.ts';
import { listPath } from './discovery.ts';
import type { ApiKind } from './discovery.ts';
import { kubeFailure } from './errors.ts';
import type { LiveObjects } from './live-objects.ts';
import type { KubeObject } from './port.ts';

const PAGE = 500;
export const MAX_OBJECTS = 20_000;
/** The server ends a watch after this time; a quarter more of silence means that the connection is dead. */
const WATCH_SECONDS = 240;
const SILENCE_MS = WATCH_SECONDS * 1_250;
const BETWEEN_WATCHES_MS = 200;
const TROUBLE_AFTER = 3;
const LIST_ATTEMPTS = 4;
const BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 30_000;

export interface WatchListener {
  /** Reading failed and is tried again, or works again (undefined). */
  trouble(failure: Failure | undefined): void;
  /** Gave up: the server refuses the kind for good. */
  refused(error: ApiError): void;
}

/** Lists one kind in one namespace (or all) and keeps it current until `signal` aborts. Never rejects. */
export class KindWatch {
  readonly #client: ApiClient;
  readonly #kind: ApiKind;
  readonly #namespace: string | undefined;
  readonly #objects: LiveObjects;
  #version = '';

  constructor(client: ApiClient, kind: ApiKind, namespace: string | undefined, objects: LiveObjects) {
    this.#client = client;
    this.#kind = kind;
    this.#namespace = namespace;
    this.#objects = objects;
  }

  /**
   * Reads the whole kind, page by page. Again, a few times, when the list expired between two pages or the server asks for
   * patience (429 while the storage of a new CRD begins).
   */
  async list(signal: AbortSignal): Promise<ApiResult<undefined>> {
    for (let attempt = 1; ; attempt += 1) {
      const listed = await this.#listOnce(signal);
      if (listed.ok || attempt === LIST_ATTEMPTS) return listed;
      const { error } = listed;
      if (!isExpired(error) && !(error.retry && error.refusal)) return listed;
      await pause(BACKOFF_MS * attempt, signal);
    }
  }

  async #listOnce(signal: AbortSignal): Promise<ApiResult<undefined>> {
    const found: KubeObject[] = [];
    const base = listPath(this.#kind, this.#namespace);
    let token = '';
    do {
      const query = new URLSearchParams({ limit: String(PAGE), ...(token === '' ? {} : { continue: token }) });
      const page = await this.#client.get(`${base}?${query}`, signal, accept(this.#kind, 'List'));
      if (!page.ok) return page;
      for (const item of items(page.value['items'])) found.push(fields(item));
      if (found.length > MAX_OBJECTS) {
        const message = `More than ${MAX_OBJECTS} objects of kind ${this.#kind.kind}: they are not read.`;
        return apiFail(kubeFailure('kube-server', message, undefined, 'Use a context with fewer objects.'), false);
      }
      const metadata = fields(page.value, 'metadata');
      token = text(metadata['continue']) ?? '';
      this.#version = text(metadata['resourceVersion']) ?? '';
    } while (token !== '');
    this.#objects.replace(this.#kind, this.#namespace, found);
    return apiOk(undefined);
  }

  /** After `list`. Resumes from the last version that was seen; lists again when the server no longer knows it. */
  async follow(signal: AbortSignal, listener: WatchListener): Promise<void> {
    let failures = 0;
    let relist = false;
    while (!signal.aborted) {
      const works = () => {
        failures = 0;
        listener.trouble(undefined);
      };
      const result: ApiResult<undefined> = relist ? await this.list(signal) : await this.#watchOnce(signal, works);
      if (signal.aborted) return;
      if (result.ok) {
        if (relist) works();
        relist = false;
        // Something between here and the server may end every watch at once.
        await pause(BETWEEN_WATCHES_MS, signal);
        continue;
      }
      const { error } = result;
      if (isExpired(error) && !relist) {
        relist = true;
        continue;
      }
      if (!error.retry && !isExpired(error)) return listener.refused(error);
      failures += 1;
      // A server that answers is there; one that keeps refusing is trouble, too.
      if (!error.refusal || failures >= TROUBLE_AFTER) listener.trouble(error.failure);
      await pause(Math.min(BACKOFF_MS * 2 ** (failures - 1), MAX_BACKOFF_MS) * (0.5 + Math.random() / 2), signal);
    }
  }

  async #watchOnce(signal: AbortSignal, onOpen: () => void): Promise<ApiResult<undefined>> {
    const query = new URLSearchParams({
      watch: 'true',
      allowWatchBookmarks: 'true',
      timeoutSeconds: String(WATCH_SECONDS),
      resourceVersion: this.#version,
    });
    let refused: ApiError | undefined;
    const path = `${listPath(this.#kind, this.#namespace)}?${query}`;
    const onEvent = (event: KubeObject) => {
      refused ??= this.#take(event);
    };
    const ended = await this.#client.watch(
      { path, accept: accept(this.#kind, ''), silenceMs: SILENCE_MS, onOpen, onEvent },
      signal,
    );
    return refused ? { ok: false, error: refused } : ended;
  }

  /** An event of type ERROR is the end of a watch; its object is a Status. */
  #take(event: KubeObject): ApiError | undefined {
    const object = fields(event['object']);
    const version = text(fields(object, 'metadata')['resourceVersion']);
    switch (event['type']) {
      case 'ADDED':
      case 'MODIFIED':
        this.#objects.put(this.#kind, object);
        break;
      case 'DELETED':
        this.#objects.delete(this.#kind, object);
        break;
      case 'BOOKMARK':
        break;
      default: {
        const status = typeof object['code'] === 'number' ? object['code'] : 500;
        const message = text(object['message']) ?? 'The watch ended with an error.';
        const refusal = { status, reason: text(object['reason']) ?? '', message, causes: [] };
        return { failure: kubeFailure('kube-server', message), retry: true, refusal };
      }
    }
    if (version !== undefined) this.#version = version;
    return undefined;
  }
}

function isExpired(error: ApiError): boolean {
  return error.refusal?.status === 410;
}

const METADATA_ONLY = new Set(['v1/Secret', 'apiextensions.k8s.io/v1/CustomResourceDefinition']);

/** Of Secrets the server is asked for `metadata` only, so that their data never comes over the network; of CRDs, because they are large. */
export function accept(kind: { readonly apiVersion: string; readonly kind: string }, list: '' | 'List'): string {
  if (!METADATA_ONLY.has(`${kind.apiVersion}/${kind.kind}`)) return 'application/json';
  return `application/json;as=PartialObjectMetadata${list};v=v1;g=meta.k8s.io`;
}

export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((done) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      done();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
  });
}
