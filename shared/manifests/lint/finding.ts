import type { GatewayConfig } from '../../gateway/config.ts';
import type { FieldPath } from '../field-path.ts';
import type { Resolution } from '../resolve/resolve.ts';
import type { ManifestDocument, Severity } from '../types.ts';
import type { LintRule } from './rules.ts';

/** What rules look at. */
export interface LintSubject {
  readonly resolution: Resolution;
  readonly config: GatewayConfig;
}

/** What a rule found; the severity is the rule's unless it says less. */
export interface Finding {
  readonly rule: LintRule;
  readonly document: ManifestDocument;
  readonly path: FieldPath;
  readonly message: string;
  readonly hint?: string;
  readonly severity?: Severity;
}
