import type { ObjectRef } from '../manifests/types.ts';

/** What is checked against the OpenAPI document of an API or APIVersion, and where that is. */
export interface OpenApiConfig {
  readonly source: ObjectRef;
  /** A URL, or a path on the service that a route leads to: its key, by id of the route. Other routes are not checked. */
  readonly from:
    | { readonly url: string }
    | { readonly path: string; readonly services: Readonly<Record<string, string>> };
  readonly refreshMs?: number | undefined;
  /** Paths of the public base URLs that take the place of those in the document. */
  readonly bases?: readonly string[] | undefined;
  readonly methodAndPath: boolean;
  readonly body: boolean;
  /** Operation sets are compared with the paths of its operations too, and not with those of requests alone. */
  readonly operations: boolean;
}
