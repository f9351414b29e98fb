import type { Severity } from '../types.ts';

/**
 * Rules by name, with the severity that they have unless `lint:` of `adit.yaml` says otherwise. The first nine are known
 * by these names from the public analyzer of the hub.
 */
export const lintRules = {
  childless: ['warning', 'a bundle, catalog item, subscription or portal holds nothing'],
  duplicate: ['error', 'two objects claim the same identity, application id, key or title'],
  'operation-set': ['warning', 'an operation filter names a set that no selected API has, or a set is never named'],
  orphan: ['info', 'nothing leads to an object'],
  reference: ['error', 'a reference leads nowhere, is ambiguous or runs in a circle'],
  regex: ['error', 'a regular expression is not one of Go'],
  release: ['error', 'a release is not a semantic version, or two versions of one API have the same'],
  resource: ['error', 'an object is not one that the API server would take'],
  selector: ['warning', 'a label selector is not one, or selects nothing'],
  'open-api': ['warning', 'a route serves a managed API to callers who prove nothing'],
  'plan-limit': ['warning', 'a plan limits nothing'],
  'cors-credentials': ['error', 'any origin may call with the credentials of a browser'],
  'clear-secret': ['warning', 'a secret is written in clear text'],
  'shadowed-route': ['warning', 'a route never answers, because another one always comes before it'],
  'subscription-overlap': ['warning', 'subscriptions with different plans are equal in weight for the same call'],
  deprecated: ['warning', 'a kind or field should not be used any more'],
} as const satisfies Readonly<Record<string, readonly [Severity, string]>>;

export type LintRule = keyof typeof lintRules;

export function isLintRule(name: string): name is LintRule {
  return Object.hasOwn(lintRules, name);
}
