import type { Matcher } from '../../gateway/matcher.ts';
import type { FieldPath } from '../field-path.ts';
import { goQuote } from '../rule/go-string.ts';
import type { RuleSyntax } from '../rule/matcher-of.ts';
import { parseRule, type ParsedRule } from '../rule/parse-rule.ts';
import { quoteMeta } from '../rule/template.ts';
import type { ManifestDocument } from '../types.ts';
import { say, type Scope } from './scope.ts';

/** A part of a rule that Traefik's providers make, and the field that it is made of. */
export interface RulePart {
  readonly text: string;
  readonly path: FieldPath;
}

/** A matcher with its arguments as the providers write them. */
export function call(name: string, ...args: readonly string[]): string {
  return `${name}(${args.map(goQuote).join(',')})`;
}

/** A prefix of whole path elements, as Kubernetes compares them: `/a` holds `/a/b`, and not `/ab`. */
export function elementPrefix(path: string): string {
  if (path === '/') return call('PathPrefix', '/');
  const bare = path.endsWith('/') ? path.slice(0, -1) : path;
  return `(${call('Path', bare)} || ${call('PathPrefix', `${bare}/`)})`;
}

/** All parts must hold. */
export function ruleText(parts: readonly RulePart[]): string {
  return parts.map(({ text }) => text).join(' && ');
}

const known = new WeakMap<ManifestDocument, Map<string, ParsedRule>>();

/** Read once for each text of a document. */
export function parsedRule(document: ManifestDocument, rule: string, syntax: RuleSyntax = 'v3'): ParsedRule {
  const rules = known.get(document) ?? new Map<string, ParsedRule>();
  known.set(document, rules);
  const key = syntax === 'v2' ? `v2 ${rule}` : rule;
  const parsed = rules.get(key) ?? parseRule(rule, syntax);
  rules.set(key, parsed);
  return parsed;
}

/** The matcher of a rule that was made of parts; undefined, with a diagnostic at each field that is wrong, when Traefik would refuse it. */
export function madeMatcher(
  scope: Scope,
  document: ManifestDocument,
  parts: readonly RulePart[],
  syntax: RuleSyntax = 'v3',
): Matcher | undefined {
  const parsed = parsedRule(document, ruleText(parts), syntax);
  if ('matcher' in parsed) return parsed.matcher;
  for (const part of parts) {
    const of = parsedRule(document, part.text, syntax);
    if ('matcher' in of) continue;
    for (const { code, message, hint } of of.problems) say(scope, document, code, part.path, message, { hint });
  }
  return undefined;
}

/** Hosts of the Gateway API as one part of a rule, and what they add to its priority; undefined when there are none. */
export function hostnamesRule(
  hostnames: readonly string[],
  path: FieldPath,
): { readonly part: RulePart; readonly priority: number } | undefined {
  if (hostnames.length === 0) return undefined;
  const texts = hostnames.map((host) =>
    host.includes('*')
      ? call('HostRegexp', `^${quoteMeta(host).replace('\\*\\.', '[a-z0-9-\\.]+\\.')}$`)
      : call('Host', host),
  );
  const [first = ''] = texts;
  const text = texts.length === 1 ? first : `(${texts.join(' || ')})`;
  return { part: { text, path }, priority: Math.max(...hostnames.map((host) => Buffer.byteLength(host))) };
}
