import type { ServiceConfig, TransportConfig, UpstreamConfig } from '../../gateway/config.ts';
import { report, type ReportOptions } from '../report.ts';
import type { DiagnosticCode } from '../errors.ts';
import type { FieldPath } from '../field-path.ts';
import type { Resolution } from '../resolve/resolve.ts';
import type { Diagnostic, ManifestDocument } from '../types.ts';

/** What the compilers of the single kinds read and add to. */
export interface Scope {
  readonly resolution: Resolution;
  readonly diagnostics: Diagnostic[];
  readonly services: Map<string, ServiceConfig>;
  readonly upstreams: Map<string, UpstreamConfig>;
  readonly transports: Map<string, TransportConfig>;
  /** In order of first appearance. */
  readonly hosts: Set<string>;
}

/** Where what is found is said. */
export type Findings = Pick<Scope, 'diagnostics'>;

/** Whether Traefik follows a reference of `document` into `namespace`; where it does not, the reference is told of. */
export function mayRefer({ resolution }: Scope, document: ManifestDocument, namespace: string): boolean {
  return namespace === document.ref.namespace || resolution.traefik.allowCrossNamespace;
}

export function say(
  scope: Findings,
  document: ManifestDocument,
  code: DiagnosticCode,
  path: FieldPath,
  message: string,
  options: ReportOptions = {},
): void {
  scope.diagnostics.push(report(document, code, path, message, options));
}

/** A field that has no effect in a preview: `info` where answers stay the same, `warning` where they may differ. */
export function notEnforced(
  scope: Findings,
  document: ManifestDocument,
  path: FieldPath,
  why: string,
  severity: 'info' | 'warning' = 'warning',
): void {
  say(scope, document, 'not-enforced', path, `not enforced in a preview: ${why}`, { severity, at: 'key' });
}

const keys = new WeakMap<ManifestDocument, string>();

/** The key of an object in the gateway's configuration. */
export function keyOf(document: ManifestDocument): string {
  const known = keys.get(document) ?? `${document.ref.namespace}/${document.ref.name}`;
  keys.set(document, known);
  return known;
}

/**
 * `make` for whole configurations: what depends on nothing but a document is made once for it, and what was found
 * meanwhile is said each time.
 */
export function madeOnce<T>(
  make: (found: Findings, document: ManifestDocument) => T,
): (scope: Findings, document: ManifestDocument) => T {
  const known = new WeakMap<ManifestDocument, { readonly value: T } & Findings>();
  return (scope, document) => {
    let made = known.get(document);
    if (made === undefined) {
      const found: Findings = { diagnostics: [] };
      made = { value: make(found, document), ...found };
      known.set(document, made);
    }
    for (const diagnostic of made.diagnostics) scope.diagnostics.push(diagnostic);
    return made.value;
  };
}
