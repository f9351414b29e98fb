import { WORKSPACE_CONFIG_FILE, type CustomLintRule } from '../../workspace/adit-yaml.ts';
import { placeInConfig } from '../../workspace/parse-config.ts';
import { compiledRule, firstLine, type CompiledRule } from '../cel/compiled-rule.ts';
import { celValue } from '../cel/cel-value.ts';
import { diagnosticCodes } from '../errors.ts';
import { fields } from '../field.ts';
import { groupKind } from '../kinds.ts';
import { placeIn } from '../report.ts';
import type { Diagnostic, ManifestDocument, Severity } from '../types.ts';
import { isLintRule } from './rules.ts';

/** Steps that one rule may take on one object, and all of them on all objects: see `costOf`. */
const RULE_BUDGET = 300_000;
const ALL_BUDGET = 50_000_000;

interface ReadyRule extends Omit<CustomLintRule, 'severity'> {
  readonly severity: Severity;
  readonly compiled: CompiledRule;
}

/** The rules of `lint.custom` in `adit.yaml`, ready to run, and what is wrong with those that are not. */
export interface CustomRules {
  /** Of the same rules, the same: what was found by them need not be looked for again. */
  readonly key: string;
  readonly rules: readonly ReadyRule[];
  readonly problems: readonly Diagnostic[];
}

/** `text` is that of `adit.yaml`, for the positions of the problems. */
export function readCustomRules(custom: readonly CustomLintRule[], text: string): CustomRules {
  const rules: ReadyRule[] = [];
  const problems: Diagnostic[] = [];
  const names = new Set<string>();
  for (const [at, rule] of custom.entries()) {
    const problem = (field: string, message: string): void =>
      void problems.push(configProblem(text, ['lint', 'custom', at, field], message));
    const { name, severity } = rule;
    if (isLintRule(name) || Object.hasOwn(diagnosticCodes, name)) problem('name', `"${name}" is a rule of Adit`);
    else if (names.has(name)) problem('name', `there are two custom rules "${name}"`);
    names.add(name);
    const compiled = compiledRule(rule.expression, 'object');
    if ('unsupported' in compiled)
      problem('expression', `the expression of "${name}" is not CEL: ${compiled.unsupported}`);
    else if ('transition' in compiled)
      problem('expression', `the expression of "${name}" is about changes; there is only \`object\``);
    else if (severity !== 'off') rules.push({ ...rule, severity, compiled });
  }
  return { key: JSON.stringify(custom), rules, problems };
}

interface Checked {
  readonly key: string;
  readonly found: readonly Diagnostic[];
  readonly cost: number;
}
const memory = new WeakMap<ManifestDocument, Checked>();

/** What the rules find in the documents. The same whatever was looked at before: remembered findings cost as much. */
export function checkCustomRules({ key, rules }: CustomRules, documents: readonly ManifestDocument[]): Diagnostic[] {
  if (rules.length === 0) return [];
  const found: Diagnostic[] = [];
  let budget = ALL_BUDGET;
  for (const document of documents) {
    const known = memory.get(document);
    const checked = known?.key === key ? known : check(key, rules, document, budget);
    budget -= checked.cost;
    if (budget < 0) {
      found.push(notChecked(document, 'custom rules end here: they take too long for this many objects'));
      return found;
    }
    if (checked !== known) memory.set(document, checked);
    found.push(...checked.found);
  }
  return found;
}

function check(key: string, rules: readonly ReadyRule[], document: ManifestDocument, budget: number): Checked {
  const found: Diagnostic[] = [];
  const wanted = rules.filter(({ kinds }) => kinds === undefined || kinds.some((kind) => isOfKind(document, kind)));
  if (wanted.length === 0) return { key, found, cost: 0 };
  const measure = measured(document.value);
  // A cluster fills in the namespace before any policy sees the object.
  const metadata = {
    ...fields(document.value, 'metadata'),
    ...(document.ref.namespace === '' ? {} : { namespace: document.ref.namespace }),
  };
  const value = celValue({}, { ...document.value, metadata });
  let cost = 0;
  for (const rule of wanted) {
    const steps = costOf(rule.compiled, measure);
    if (steps > RULE_BUDGET) {
      found.push(
        notChecked(document, `the custom rule "${rule.name}" was not checked: it takes too long for this object`),
      );
      continue;
    }
    cost += steps;
    if (cost > budget) break;
    const broken = outcome(rule, value);
    if (broken !== undefined) found.push(finding(document, rule.severity, rule.name, broken));
  }
  return { key, found, cost };
}

function outcome({ compiled, message, expression }: ReadyRule, value: unknown): string | undefined {
  const said = message ?? `failed rule: ${expression.trim()}`;
  try {
    const result = compiled.run(value);
    if (result === true) return undefined;
    return result === false ? said : `${said} (the expression gives no true or false)`;
  } catch (error) {
    // As a policy that cannot be evaluated, which by default refuses the object.
    const why = firstLine(error instanceof Error ? error.message : String(error)).replace(
      /^No such key/,
      'no such key',
    );
    return `${said} (${why})`;
  }
}

function isOfKind({ ref }: ManifestDocument, kind: string): boolean {
  return kind.includes('/') ? groupKind(ref) === kind : ref.kind === kind;
}

function finding(
  document: ManifestDocument,
  severity: Severity,
  code: string,
  message: string,
  hint?: string,
): Diagnostic {
  return {
    severity,
    code,
    ...placeIn(document, document.locate(['metadata', 'name'], 'value')),
    object: document.ref,
    message,
    hint,
  };
}

function notChecked(document: ManifestDocument, message: string): Diagnostic {
  const hint = 'Loop over less, grow no lists in loops, or name fewer kinds.';
  return finding(document, 'warning', 'rule-not-checked', message, hint);
}

interface Measure {
  /** Entries of the largest list or map. */
  readonly entries: number;
  /** Of the longest text. */
  readonly letters: number;
}

function measured(value: unknown): Measure {
  if (typeof value === 'string') return { entries: 1, letters: value.length };
  if (typeof value !== 'object' || value === null) return { entries: 1, letters: 0 };
  const children = Object.values(value);
  let [entries, letters] = [Math.max(1, children.length), 0];
  for (const child of children) {
    const inner = measured(child);
    entries = Math.max(entries, inner.entries);
    letters = Math.max(letters, inner.letters);
  }
  return { entries, letters };
}

/** An upper bound of steps: lists as long as the object's and the rule's own, once for each loop inside of another. */
function costOf({ size, depth, growth }: CompiledRule, { entries, letters }: Measure): number {
  const length = depth === 0 ? 1 : (entries + size) ** depth;
  return size * length * growth * (1 + letters / 1_000);
}

function configProblem(text: string, path: readonly (string | number)[], message: string): Diagnostic {
  const { line, column } = placeInConfig(text, path);
  const shown = `lint.custom[${path[2]}].${path[3]}`;
  return {
    severity: 'error',
    code: 'workspace-config',
    file: WORKSPACE_CONFIG_FILE,
    line,
    column,
    endLine: line,
    endColumn: column + 1,
    path: shown,
    message: `${shown}: ${message}`,
  };
}
