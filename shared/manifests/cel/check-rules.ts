import { isFields } from '../field.ts';
import { formatPath, type FieldPath } from '../field-path.ts';
import { report } from '../report.ts';
import type { CelRule, Structural } from '../schema/structural.ts';
import type { Diagnostic, ManifestDocument } from '../types.ts';
import { shown } from '../validate/value-words.ts';
import { celValue } from './cel-value.ts';
import { compiledRule, firstLine, type CompiledRule } from './compiled-rule.ts';

/** Steps that one rule, and all rules of an object, may take; the API server bounds both too. */
const RULE_BUDGET = 1_000_000;
const OBJECT_BUDGET = 10_000_000;

/** The rules of a schema that an object breaks. Values at or above a blocked path are passed over. */
export function checkRules(
  document: ManifestDocument,
  schema: Structural,
  blocked: readonly FieldPath[],
): Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  const stops = blocked.map(formatPath);
  let budget = OBJECT_BUDGET;

  function walk(node: Structural, value: unknown, path: FieldPath): void {
    // The server checks values only: what a rule asks of absent fields it asks of the object around them.
    if (value === null || value === undefined) return;
    const rules = node['x-kubernetes-validations'];
    if (Array.isArray(rules) && rules.length > 0 && !isBlocked(path, stops)) check(rules, node, value, path);
    if (Array.isArray(value)) {
      const { items } = node;
      if (items !== undefined) for (const [at, item] of value.entries()) walk(items, item, [...path, at]);
    } else if (isFields(value)) {
      const rest = typeof node.additionalProperties === 'object' ? node.additionalProperties : undefined;
      for (const [key, child] of Object.entries(value)) {
        const known =
          node.properties !== undefined && Object.hasOwn(node.properties, key) ? node.properties[key] : rest;
        if (known !== undefined) walk(known, child, [...path, key]);
      }
    }
  }

  function check(rules: readonly CelRule[], node: Structural, value: unknown, path: FieldPath): void {
    const self = celValue(node, value);
    for (const rule of rules) {
      const compiled = compiledRule(rule.rule);
      if ('transition' in compiled) continue;
      if ('unsupported' in compiled) {
        const message = `a rule of the schema was not checked: ${compiled.unsupported}`;
        diagnostics.push(
          report(document, 'rule-not-checked', path, message, { hint: 'A dry run against the cluster checks it.' }),
        );
        continue;
      }
      const cost = costOf(compiled, value);
      budget -= cost;
      if (cost > RULE_BUDGET || budget < 0) {
        const message = 'a rule of the schema was not checked: the value is too large for it';
        diagnostics.push(
          report(document, 'rule-not-checked', path, message, { hint: 'A dry run against the cluster checks it.' }),
        );
        continue;
      }
      const broken = outcome(rule, compiled, self, node, value);
      if (broken === undefined) continue;
      const at = rule.fieldPath === undefined ? path : [...path, ...rule.fieldPath.replace(/^\./, '').split('.')];
      diagnostics.push(
        report(document, 'cel', at, broken.message, { type: broken.type, at: isFields(value) ? 'key' : 'value' }),
      );
    }
  }

  walk(schema, document.value, []);
  return diagnostics;
}

/** The words of apiextensions' `schema/cel/validation.go`. */
function outcome(
  rule: CelRule,
  compiled: CompiledRule,
  self: unknown,
  node: Structural,
  value: unknown,
): { message: string; type: string } | undefined {
  const said = rule.message?.trim() || rule.rule.trim();
  let result: unknown;
  try {
    result = compiled.run(self);
  } catch (error) {
    const why = firstLine(error instanceof Error ? error.message : String(error)).replace(
      /^No such key/,
      'no such key',
    );
    return {
      type: 'FieldValueInvalid',
      message: `Invalid value: ${shown(node.type ?? 'object')}: ${why} evaluating rule: ${said}`,
    };
  }
  if (result === true) return undefined;
  const detail =
    messageOf(rule, self) ?? (rule.message === undefined || rule.message === '' ? `failed rule: ${said}` : said);
  switch (rule.reason) {
    case 'FieldValueRequired':
      return { type: rule.reason, message: `Required value: ${detail}` };
    case 'FieldValueForbidden':
      return { type: rule.reason, message: `Forbidden: ${detail}` };
    case 'FieldValueDuplicate':
      return { type: rule.reason, message: `Duplicate value: ${shown(value)}` };
    default: {
      // The server shows scalars, and leaves out objects and lists.
      const bad = typeof value === 'object' ? '' : ` ${shown(value)}:`;
      return { type: 'FieldValueInvalid', message: `Invalid value:${bad} ${detail}` };
    }
  }
}

function messageOf(rule: CelRule, self: unknown): string | undefined {
  if (rule.messageExpression === undefined) return undefined;
  const compiled = compiledRule(rule.messageExpression);
  if (!('run' in compiled)) return undefined;
  try {
    const text = compiled.run(self);
    return typeof text === 'string' && text.trim() !== '' && !text.includes('\n') ? text.trim() : undefined;
  } catch {
    // As on the server: the message of the rule takes its place.
    return undefined;
  }
}

/** Upper bound of steps: the rule's size, times the longest list for each loop inside of another. */
function costOf(rule: CompiledRule, value: unknown): number {
  return rule.size * longest(value) ** rule.depth;
}

function longest(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1;
  const children = Object.values(value);
  return children.reduce<number>((most, child) => Math.max(most, longest(child)), Math.max(1, children.length));
}

function isBlocked(path: FieldPath, stops: readonly string[]): boolean {
  const here = formatPath(path);
  return stops.some(
    (stop) => stop === here || stop.startsWith(`${here}.`) || stop.startsWith(`${here}[`) || here === '',
  );
}
