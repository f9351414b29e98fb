import { fields, text } from '../../shared/manifests/field.ts';
import type { Failure } from '../../shared/result/result.ts';
import type { ApiClient } from './api-client.ts';
import { apiOk } from './api-error.ts';
import type { ApiError, ApiResult } from './api-error.ts';
import { Discovery } from './discovery.ts';
import type { ApiKind } from './discovery.ts';
import { KindWatch } from './kind-watch.ts';
import { LiveObjects } from './live-objects.ts';
import { PRODUCT_GROUPS, WHOLE_GROUP, wantedKinds } from './wanted-kinds.ts';
import type { KubeObject } from './port.ts';

export interface Unreadable {
  readonly kind: string;
  readonly reason: string;
}

export interface ConnectionListener {
  objects(): void;
  /** `unreadable`, `trouble` or `crds` changed. */
  state(): void;
}

/** One context: what was read of it, kept current until `close`. */
export class Connection {
  readonly client: ApiClient;
  readonly discovery: Discovery;
  readonly objects: LiveObjects;
  serverVersion = '';
  crds: readonly KubeObject[] = [];
  /** Set while the server cannot be reached; what was read before stays. */
  trouble: Failure | undefined;
  readonly #unreadable = new Map<string, string>();
  readonly #troubled = new Set<KindWatch>();
  readonly #listener: ConnectionListener;
  readonly #stop = new AbortController();
  readonly #watches = new Set<Promise<void>>();

  constructor(client: ApiClient, listener: ConnectionListener) {
    this.client = client;
    this.discovery = new Discovery(client);
    this.#listener = listener;
    this.objects = new LiveObjects(() => listener.objects());
  }

  get unreadable(): readonly Unreadable[] {
    return [...this.#unreadable].map(([kind, reason]) => ({ kind, reason }));
  }

  /** Reads everything once and begins to watch. A kind that may not be read does not fail it; a server that cannot be reached does. */
  async open(namespaces: readonly string[], signal: AbortSignal): Promise<ApiResult<undefined>> {
    const version = await this.client.get('/version', signal);
    if (!version.ok) return version;
    this.serverVersion = text(version.value['gitVersion']) ?? '';
    const groups = await this.discovery.groups(signal);
    if (!groups.ok) return groups;
    const kinds = await wantedKinds(this.discovery, groups.value, signal);
    if (!kinds.ok) return kinds;
    this.objects.coverGroup(WHOLE_GROUP);
    for (const kind of kinds.value.absent) this.objects.cover(kind, 'all');
    const read = await Promise.all([
      ...kinds.value.present.map(async (kind) => await this.#readKind(kind, namespaces, signal)),
      this.#readCrds(kinds.value.present, signal),
    ]);
    const lost = read.find((error) => error !== undefined);
    return lost ? { ok: false, error: lost } : apiOk(undefined);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.objects.close();
    await this.client.close();
    await Promise.all(this.#watches);
  }

  /** Everywhere if allowed, else in the given namespaces. Gives back only an error that ends the whole connection. */
  async #readKind(kind: ApiKind, namespaces: readonly string[], signal: AbortSignal): Promise<ApiError | undefined> {
    const everywhere = await this.#follow(kind, undefined, signal);
    if (everywhere.ok) {
      this.objects.cover(kind, 'all');
      return undefined;
    }
    let refused = everywhere.error;
    this.objects.cover(kind, new Set());
    if (kind.namespaced && refused.refusal?.status === 403) {
      const readable = new Set<string>();
      for (const namespace of namespaces) {
        const some = await this.#follow(kind, namespace, signal);
        if (some.ok) readable.add(namespace);
        else refused = some.error;
      }
      this.objects.cover(kind, readable);
      if (readable.size > 0) return undefined;
    }
    if (!refused.refusal && refused.retry) return refused;
    this.#refuse(kind, refused);
    return undefined;
  }

  async #follow(kind: ApiKind, namespace: string | undefined, signal: AbortSignal): Promise<ApiResult<undefined>> {
    const watch = new KindWatch(this.client, kind, namespace, this.objects);
    const listed = await watch.list(AbortSignal.any([signal, this.#stop.signal]));
    if (!listed.ok) return listed;
    const following = watch
      .follow(this.#stop.signal, {
        trouble: (failure) => this.#trouble(watch, failure),
        refused: (error) => {
          this.#trouble(watch, undefined);
          this.objects.replace(kind, namespace, []);
          // Gone with its CRD: then there are none. Else: nothing is known any more.
          if (error.refusal?.status !== 404) {
            this.objects.cover(kind, new Set());
            this.#refuse(kind, error);
          }
        },
      })
      .finally(() => this.#watches.delete(following));
    this.#watches.add(following);
    return listed;
  }

  #refuse(kind: ApiKind, error: ApiError): void {
    this.#unreadable.set(kind.kind, error.refusal?.message ?? error.failure.message);
    this.#listener.state();
  }

  #trouble(watch: KindWatch, failure: Failure | undefined): void {
    if (failure) this.#troubled.add(watch);
    else this.#troubled.delete(watch);
    const before = this.trouble;
    if (this.#troubled.size === 0) this.trouble = undefined;
    else this.trouble ??= failure;
    if (before !== this.trouble) this.#listener.state();
  }

  /** By name: a cluster may have hundreds of large CRDs. */
  async #readCrds(kinds: readonly ApiKind[], signal: AbortSignal): Promise<ApiError | undefined> {
    const names = kinds.map(({ apiVersion, plural }) => ({ plural, group: apiVersion.split('/')[0] ?? '' }));
    const wanted = names.filter(({ group }) => PRODUCT_GROUPS.includes(group));
    const read = await Promise.all(
      wanted.map(
        async ({ plural, group }) =>
          await this.client.get(`/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${plural}.${group}`, signal),
      ),
    );
    this.crds = read.flatMap((answer) => (answer.ok ? [fields(answer.value)] : []));
    const refused = read.find((answer) => !answer.ok);
    if (!refused || refused.ok) return undefined;
    if (!refused.error.refusal && refused.error.retry) return refused.error;
    this.#unreadable.set('CustomResourceDefinition', refused.error.refusal?.message ?? refused.error.failure.message);
    return undefined;
  }
}
