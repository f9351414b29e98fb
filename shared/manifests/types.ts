/** What the pure pipeline read → validate → resolve → compile passes on. All positions are 1-based. */

export interface SourceFile {
  /** Path relative to the workspace, with `/`. */
  readonly path: string;
  readonly text: string;
  /** A hidden folder in its path is part of what a person named: it may hold objects all the same. */
  readonly named?: boolean;
}

export interface ObjectRef {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** `GROUP/KIND/NAMESPACE/NAME`: the version of an API does not change which object it is. Core group: empty. */
export type ObjectId = string;

export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface Range {
  readonly start: Position;
  readonly end: Position;
  /** Where it is not the document's own file: that of a patch. */
  readonly file?: string | undefined;
}

export type Severity = 'error' | 'warning' | 'info';

export interface Diagnostic {
  readonly severity: Severity;
  /** Ours and stable, listed in `docs/diagnostics.md`; e.g. `schema`, `cel`, `reference-missing`, `not-enforced`. */
  readonly code: string;
  /** Kubernetes' own cause type (`FieldValueRequired`, …) where the API server would give one. */
  readonly type?: string | undefined;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
  readonly object?: ObjectRef | undefined;
  /** In Kubernetes' notation: `spec.openApiSpec.operationSets[0].matchers[1]`. */
  readonly path?: string | undefined;
  readonly message: string;
  /** What to do next. */
  readonly hint?: string | undefined;
}

/** One YAML document that is a Kubernetes object, as written (no defaults), with the position of every field. */
export interface ManifestDocument {
  readonly id: ObjectId;
  readonly ref: ObjectRef;
  /** `GROUP/KIND`: what tells one sort of object from another whatever its version. */
  readonly sort: string;
  /** `GROUP/KIND/NAMESPACE`. */
  readonly place: string;
  readonly file: string;
  /** Index of the YAML document within its file. */
  readonly index: number;
  readonly range: Range;
  /** Plain data; frozen. */
  readonly value: Readonly<Record<string, unknown>>;
  /** Range of the value at a path (segments), or of the nearest ancestor that exists. `key` asks for the key itself. */
  locate(path: readonly (string | number)[], what?: 'key' | 'value'): Range;
  /** Present when a program made it: `file`, `range` and `locate` then lead to what it was made of. */
  readonly rendered?: RenderedOrigin | undefined;
}

export interface RenderedOrigin {
  readonly by: 'kustomize' | 'helm';
  /** Folder of the overlay or chart, relative to the workspace; `''`: its root. */
  readonly dir: string;
  /** What the program gave, this object alone. */
  readonly text: string;
}

export type GraphRole =
  | 'visitor'
  | 'route'
  | 'api'
  | 'version'
  | 'service'
  | 'middleware'
  | 'auth'
  | 'plan'
  | 'subscription'
  | 'application'
  | 'secret'
  | 'other';

export interface GraphNode {
  readonly id: string;
  readonly role: GraphRole;
  /** Absent for the visitors' node and for what is referenced but missing. */
  readonly object?: ObjectRef | undefined;
  readonly kind: string;
  readonly title: string;
  /** The one line that matters: host and path, release, limit. */
  readonly detail: string;
  readonly file?: string | undefined;
  readonly line?: number | undefined;
  /** Worst severity of the diagnostics on the object. */
  readonly problem?: Severity | undefined;
  /** Referenced, but not defined in the files. */
  readonly missing?: boolean | undefined;
}

export interface GraphEdge {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  /** Field that makes the reference, in Kubernetes' notation; empty for the visitors' edges. */
  readonly field: string;
  readonly broken?: boolean | undefined;
}

export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}
