import type { Structural } from './structural.ts';

/** What is known of one version of one kind. */
export interface KindSchema {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** What `metadata.name` must be: an RFC 1123 label (≤ 63 characters, no dots) or a subdomain (≤ 253). */
  readonly names: 'label' | 'subdomain';
  /** Objects of a cluster-wide kind have no namespace. */
  readonly scope?: 'Namespaced' | 'Cluster' | undefined;
  /** What to say of every object of a kind that should not be used any more. */
  readonly deprecated?: string | undefined;
  readonly source: 'bundled' | 'cluster' | 'built-in';
  readonly schema: Structural;
}
