import { fields, flag, items, text, texts } from '../../shared/manifests/field.ts';
import type { ApiClient } from './api-client.ts';
import { apiOk } from './api-error.ts';
import type { ApiResult } from './api-error.ts';

/** One kind as the server serves it. */
export interface ApiKind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
}

/** `/api/v1` and `/apis/GROUP/VERSION`. */
export function apiRoot(apiVersion: string): string {
  return apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

export function listPath(kind: ApiKind, namespace: string | undefined): string {
  const scope = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${apiRoot(kind.apiVersion)}${scope}/${kind.plural}`;
}

/** Asks which kinds a server has; each answer is asked for once in a connection, except that a kind is absent. */
export class Discovery {
  readonly #client: ApiClient;
  readonly #kinds = new Map<string, readonly ApiKind[]>();

  constructor(client: ApiClient) {
    this.#client = client;
  }

  /** CRDs changed: everything is asked for anew. */
  forget(): void {
    this.#kinds.clear();
  }

  /** Preferred `GROUP/VERSION` of each group. */
  async groups(signal?: AbortSignal): Promise<ApiResult<ReadonlyMap<string, string>>> {
    const answer = await this.#client.get('/apis', signal);
    if (!answer.ok) return answer;
    const found = items(answer.value['groups']).map((group): [string, string] => [
      text(fields(group)['name']) ?? '',
      text(fields(group, 'preferredVersion')['groupVersion']) ?? '',
    ]);
    return apiOk(new Map(found.filter(([name, version]) => name !== '' && version !== '')));
  }

  /** Kinds of `v1` or `GROUP/VERSION`; empty when the server does not have it. */
  async kinds(apiVersion: string, signal?: AbortSignal): Promise<ApiResult<readonly ApiKind[]>> {
    const known = this.#kinds.get(apiVersion);
    if (known) return apiOk(known);
    const answer = await this.#client.get(apiRoot(apiVersion), signal);
    if (!answer.ok) return answer.error.refusal?.status === 404 ? apiOk([]) : answer;
    const kinds = items(answer.value['resources']).flatMap((entry): ApiKind[] => {
      const resource = fields(entry);
      const plural = text(resource['name']) ?? '';
      const kind = text(resource['kind']) ?? '';
      // `services/status` and the like are parts of a kind.
      if (plural === '' || plural.includes('/') || kind === '') return [];
      return [
        {
          apiVersion,
          kind,
          plural,
          namespaced: flag(resource['namespaced']) ?? false,
          verbs: texts(resource['verbs']),
        },
      ];
    });
    this.#kinds.set(apiVersion, kinds);
    return apiOk(kinds);
  }

  /** Undefined when the server has no such kind. A kind that is missing is looked for anew: its CRD may have come since. */
  async kind(apiVersion: string, kind: string, signal?: AbortSignal): Promise<ApiResult<ApiKind | undefined>> {
    for (const fresh of [false, true]) {
      if (fresh) this.#kinds.delete(apiVersion);
      const kinds = await this.kinds(apiVersion, signal);
      if (!kinds.ok) return kinds;
      const found = kinds.value.find((candidate) => candidate.kind === kind);
      if (found) return apiOk(found);
    }
    return apiOk(undefined);
  }
}
