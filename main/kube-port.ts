import type { DryRunResult, KubeState, driftField, CallOutput } from '../shared/contract/contract.ts';
import type { ManifestDocument, ObjectId, ObjectRef } from '../shared/manifests/types.ts';
import type { Result } from '../shared/result/result.ts';
import type { z } from 'zod';

export type DriftField = z.infer<typeof driftField>;

/** One object of the chosen cluster, of the product's kinds and the routes. */
export interface LiveObject {
  readonly id: ObjectId;
  readonly ref: ObjectRef;
}

/** What changed: the connection, the objects, or the cluster's own CRDs. */
export type KubeChange = 'state' | 'objects' | 'schemas';

/** The cluster, as the application sees it. Reads nothing and connects to nothing before `connect`. */
export interface KubePort {
  contexts(signal?: AbortSignal): Promise<Result<CallOutput<'kubeContexts'>>>;
  connect(context: string, signal?: AbortSignal): Promise<Result<KubeState>>;
  disconnect(): Promise<Result<KubeState>>;
  state(): KubeState;
  /** Returns the unsubscriber. */
  onChange(listener: (change: KubeChange) => void): () => void;
  /** Empty unless connected. */
  liveObjects(): readonly LiveObject[];
  /** Custom resource definitions of the cluster as plain objects; undefined: use the bundled ones. */
  liveCrds(): readonly unknown[] | undefined;
  /** Fields that the file sets and the cluster has otherwise; undefined when the object is not in the cluster. Synchronous: from what was read. */
  drift(document: ManifestDocument): readonly DriftField[] | undefined;
  /** The live object as YAML without what the server adds; undefined when it is not in the cluster. */
  liveText(id: ObjectId): string | undefined;
  dryRun(documents: readonly ManifestDocument[], signal?: AbortSignal): Promise<Result<readonly DryRunResult[]>>;
  close(): Promise<void>;
}
