import type { ObjectRef } from '../manifests/types.ts';

export type Bucket = 'subscription' | 'application-api' | 'application';

export interface PlanConfig {
  readonly source: ObjectRef;
  /** Token bucket, refilled at `limit` per `periodMs`. */
  readonly rateLimit?: { readonly limit: number; readonly periodMs: number; readonly bucket: Bucket } | undefined;
  /** Sliding window. */
  readonly quota?: { readonly limit: number; readonly periodMs: number; readonly bucket: Bucket } | undefined;
}
