import type { Severity } from './types.ts';

/**
 * Every code that a diagnostic on manifests may carry, with its usual severity. `docs/diagnostics.md` explains each;
 * a test keeps the two together. Codes are stable: scripts and `adit.yaml` name them.
 */
export const diagnosticCodes = {
  'file-too-large': 'error',
  'yaml-syntax': 'error',
  'yaml-duplicate-key': 'error',
  'yaml-alias': 'error',
  'yaml-too-complex': 'error',
  'not-a-manifest': 'info',
  'render-failed': 'error',
  schema: 'error',
  'unknown-field': 'error',
  'unknown-kind': 'error',
  deprecated: 'warning',
  cel: 'error',
  'rule-not-checked': 'info',
  'name-invalid': 'error',
  'duplicate-object': 'error',
  'reference-missing': 'error',
  'reference-cross-namespace': 'error',
  'reference-ambiguous': 'warning',
  'reference-cycle': 'error',
  'default-auth-conflict': 'error',
  'secret-key-missing': 'error',
  'application-conflict': 'warning',
  'service-port-missing': 'error',
  'selector-invalid': 'error',
  'rule-syntax': 'error',
  'regex-invalid': 'error',
  'route-invalid': 'error',
  'middleware-invalid': 'error',
  'not-enforced': 'warning',
} as const satisfies Readonly<Record<string, Severity>>;

export type DiagnosticCode = keyof typeof diagnosticCodes;
