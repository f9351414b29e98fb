import { fields, text } from '../../shared/manifests/field.ts';
import type { Failure } from '../../shared/result/result.ts';
import type { ApiClient } from './api-client.ts';
import { apiOk } from './api-error.ts';
import type { ApiError, ApiResult } from './api-error.ts';
import { Discovery } from './discovery.ts';
import type { ApiKind } from './discovery.ts';
import { watchCrds } from './crd-watch.ts';
import { KindWatch, pause } from './kind-watch.ts';
import { LiveObjects } from './live-objects.ts';
import { PRODUCT_GROUPS, WHOLE_GROUP, wantedKinds } from './wanted-kinds.ts';
import type { KubeObject } from './port.ts';

const REREAD_MS = 300;
const REREADS = 30;

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
  /** Names of the kinds that are watched. */
  readonly #followed = new Set<string>();
  #rereading = false;
  #rereadsLeft = 0;
  #crdNames: readonly string[] = [];
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
    const read = await this.#readKinds(namespaces, signal);
    if (!read.ok) return read;
    this.#follows(watchCrds(this.client, this.#stop.signal, (names) => this.#crdsChanged(names, namespaces)));
    return read;
  }

  /** All kinds that are not followed yet, and the CRDs. */
  async #readKinds(namespaces: readonly string[], signal: AbortSignal): Promise<ApiResult<undefined>> {
    const groups = await this.discovery.groups(signal);
    if (!groups.ok) return groups;
    const kinds = await wantedKinds(this.discovery, groups.value, signal);
    if (!kinds.ok) return kinds;
    const { present, absent } = kinds.value;
    this.objects.coverGroup(WHOLE_GROUP);
    for (const kind of absent) this.objects.cover(kind, 'all');
    const read = await Promise.all([
      ...present
        .filter(({ kind }) => !this.#followed.has(kind))
        .map(async (kind) => await this.#readKind(kind, namespaces, signal)),
      this.#readCrds(present, signal),
    ]);
    const lost = read.find((error) => error !== undefined);
    return lost ? { ok: false, error: lost } : apiOk(undefined);
  }

  /** One at a time; a change during a run makes one more. */
  #crdsChanged(names: readonly string[], namespaces: readonly string[]): void {
    this.#crdNames = names;
    this.#rereadsLeft = REREADS;
    if (this.#rereading) return;
    this.#rereading = true;
    this.#follows(
      this.#reread(namespaces).finally(() => {
        this.#rereading = false;
      }),
    );
  }

  /** The server serves a kind a moment after its CRD came: again until it does, a bounded number of times. */
  async #reread(namespaces: readonly string[]): Promise<void> {
    const { signal } = this.#stop;
    while (this.#rereadsLeft > 0) {
      this.#rereadsLeft -= 1;
      await pause(REREAD_MS, signal);
      if (signal.aborted) return;
      this.discovery.forget();
      const names = this.#crdNames;
      const read = await this.#readKinds(namespaces, signal);
      this.#listener.state();
      if (read.ok && names === this.#crdNames && (await this.#areServed(names, signal))) return;
    }
  }

  async #areServed(names: readonly string[], signal: AbortSignal): Promise<boolean> {
    const groups = await this.discovery.groups(signal);
    if (!groups.ok) return false;
    const served = new Set<string>();
    for (const group of PRODUCT_GROUPS) {
      const kinds = await this.discovery.kinds(groups.value.get(group) ?? `${group}/v1alpha1`, signal);
      if (kinds.ok) for (const { plural } of kinds.value) served.add(`${plural}.${group}`);
    }
    return names.every((name) => served.has(name));
  }

  #follows(following: Promise<void>): void {
    const ended = following.finally(() => this.#watches.delete(ended));
    this.#watches.add(ended);
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
    this.#followed.add(kind.kind);
    this.#unreadable.delete(kind.kind);
    const following = watch.follow(this.#stop.signal, {
      trouble: (failure) => this.#trouble(watch, failure),
      refused: (error) => {
        this.#trouble(watch, undefined);
        this.objects.replace(kind, namespace, []);
        this.#followed.delete(kind.kind);
        // Gone with its CRD: then there are none. Else: nothing is known any more.
        if (error.refusal?.status !== 404) {
          this.objects.cover(kind, new Set());
          this.#refuse(kind, error);
        }
      },
    });
    this.#follows(following);
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
    const refused = read.find((answer) => !answer.ok && answer.error.refusal?.status !== 404);
    if (!refused || refused.ok) return undefined;
    if (!refused.error.refusal && refused.error.retry) return refused.error;
    this.#unreadable.set('CustomResourceDefinition', refused.error.refusal?.message ?? refused.error.failure.message);
    return undefined;
  }
}
