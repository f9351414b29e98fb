import type { z } from 'zod';
import type { calls, DryRunResult, driftField, KubeState } from '../../shared/contract/contract.ts';
import type { ManifestDocument, ObjectId, ObjectRef } from '../../shared/manifests/types.ts';
import type { Result } from '../../shared/result/result.ts';

/**
 * What the application asks of a cluster. Nothing goes over the network before `connect`, and then only to the chosen
 * context. At most one context is connected at a time.
 */
export interface KubePort {
  /** Contexts of the merged kubeconfig, with `message` where a file could not be read. Never fails for a missing file. */
  contexts(): Promise<Result<KubeContexts>>;
  state(): KubeState;
  /** Replaces any earlier connection. Resolves when every readable kind was listed once; `signal` gives up. */
  connect(context: string, signal?: AbortSignal): Promise<Result<KubeState>>;
  disconnect(): KubeState;
  /** State of each document of the files that the cluster can tell about, and of the product's objects that only it has. Empty when not connected. */
  objectStates(documents: readonly ManifestDocument[]): ReadonlyMap<ObjectId, ObjectClusterState>;
  /** Live object by its id, normalised; undefined when the cluster has none. */
  live(id: ObjectId): LiveObject | undefined;
  /** Both sides of one object and the fields that differ. `document` is absent for an object that only the cluster has. */
  drift(id: ObjectId, document: ManifestDocument | undefined): Result<KubeDrift>;
  /** Server-side apply with `dryRun=All`, in the order of the documents. Changes nothing. */
  dryRun(documents: readonly ManifestDocument[], signal?: AbortSignal): Promise<Result<readonly DryRunResult[]>>;
  /** CustomResourceDefinitions of the product's groups as the cluster has them (plain objects); empty when not connected or not readable. */
  liveCrds(): readonly KubeObject[];
  /** `state`: `state()` or `liveCrds()` changed. `objects`: `objectStates()` may be different; changes come in batches. Returns the function that stops listening. */
  onChange(listener: (what: 'state' | 'objects') => void): () => void;
  /** Ends every request and watch. The port is of no use after it. */
  close(): Promise<void>;
}

export type KubeContexts = z.output<(typeof calls)['kubeContexts']['output']>;

/** Plain JSON of the API server. */
export type KubeObject = Readonly<Record<string, unknown>>;

export interface LiveObject {
  readonly id: ObjectId;
  readonly ref: ObjectRef;
  /** As the server sent it; of a Secret only `metadata`, without the last-applied annotation. */
  readonly object: KubeObject;
}

export interface ObjectClusterState {
  readonly ref: ObjectRef;
  readonly state: 'file' | 'cluster' | 'same' | 'drifted';
  /** Number of fields that differ; 0 unless `drifted`. */
  readonly drift: number;
}

export type DriftField = z.infer<typeof driftField>;

export interface KubeDrift {
  /** YAML of both sides without what the server manages; `null` where the side has no such object. */
  readonly file: string | null;
  readonly live: string | null;
  readonly fields: readonly DriftField[];
}
