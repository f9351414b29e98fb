import type { Analysis } from '../analyze.ts';
import { diagnosticCodes, type DiagnosticCode } from '../errors.ts';
import { formatPath } from '../field-path.ts';
import { placeIn } from '../report.ts';
import { resolve } from '../resolve/resolve.ts';
import type { Diagnostic, Severity } from '../types.ts';
import { gatewayFindings } from './gateway-rules.ts';
import { objectFindings } from './object-rules.ts';
import { isLintRule, lintRules, type LintRule } from './rules.ts';

/** Diagnostics of the analysis that are findings of a rule. */
const RULE_OF: Readonly<Partial<Record<DiagnosticCode, LintRule>>> = {
  'duplicate-object': 'duplicate',
  'application-conflict': 'duplicate',
  'default-auth-conflict': 'duplicate',
  'reference-missing': 'reference',
  'reference-cross-namespace': 'reference',
  'reference-ambiguous': 'reference',
  'reference-cycle': 'reference',
  'service-port-missing': 'reference',
  'secret-key-missing': 'reference',
  'regex-invalid': 'regex',
  'selector-invalid': 'selector',
  deprecated: 'deprecated',
  schema: 'resource',
  'unknown-field': 'resource',
  'unknown-kind': 'resource',
  cel: 'resource',
  'name-invalid': 'resource',
  'file-too-large': 'resource',
  'yaml-syntax': 'resource',
  'yaml-duplicate-key': 'resource',
  'yaml-alias': 'resource',
  'yaml-too-complex': 'resource',
  'render-failed': 'resource',
};

export type LintSettings = Readonly<Record<string, Severity | 'off'>>;

/**
 * What the rules find, as diagnostics whose code is the rule's name, by file and position. A setting replaces the severity
 * of all findings of a rule; `off` silences it.
 */
export function lint(analysis: Analysis, settings: LintSettings = {}): Diagnostic[] {
  const resolution = resolve(analysis.documents, analysis.traefik);
  const subject = { resolution, config: analysis.config };
  const found: Diagnostic[] = [];
  for (const diagnostic of analysis.diagnostics) {
    // Of the workspace's own rules: they have the severity that `lint.custom` gives them.
    if (!Object.hasOwn(diagnosticCodes, diagnostic.code) || diagnostic.code === 'rule-not-checked')
      found.push(diagnostic);
    const rule = ruleOf(diagnostic);
    const severity = rule === undefined ? undefined : (settingOf(settings, rule) ?? diagnostic.severity);
    if (rule !== undefined && severity !== undefined && severity !== 'off')
      found.push({ ...diagnostic, code: rule, severity });
  }
  for (const { rule, document, path, message, hint, severity } of [
    ...objectFindings(subject),
    ...gatewayFindings(subject),
  ]) {
    const chosen = settingOf(settings, rule) ?? severity ?? lintRules[rule][0];
    if (chosen === 'off') continue;
    found.push({
      severity: chosen,
      code: rule,
      ...placeIn(document, document.locate(path, 'key')),
      object: document.ref,
      path: formatPath(path),
      message,
      hint,
    });
  }
  const order = new Map([...new Set(analysis.documents.map(({ file }) => file))].map((file, at) => [file, at]));
  return found.sort(
    (a, b) => (order.get(a.file) ?? -1) - (order.get(b.file) ?? -1) || a.line - b.line || a.column - b.column,
  );
}

function ruleOf({ code, path }: Diagnostic): LintRule | undefined {
  if (path === 'spec.release') return 'release';
  if (code === 'reference-missing' && path?.startsWith('spec.operationFilter') === true) return 'operation-set';
  return Object.hasOwn(RULE_OF, code) ? RULE_OF[code as DiagnosticCode] : undefined;
}

function settingOf(settings: LintSettings, rule: LintRule): Severity | 'off' | undefined {
  return Object.hasOwn(settings, rule) ? settings[rule] : undefined;
}

/** Names in the settings that are no rules. */
export function unknownRules(settings: LintSettings): string[] {
  return Object.keys(settings).filter((name) => !isLintRule(name));
}
