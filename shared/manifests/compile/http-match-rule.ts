import { fields, items, text } from '../field.ts';
import type { FieldPath } from '../field-path.ts';
import { call, elementPrefix, hostnamesRule, type RulePart } from './made-rule.ts';

export interface MatchRule {
  readonly parts: readonly RulePart[];
  readonly priority: number;
}

export interface PathMatch {
  readonly type: string;
  readonly value: string;
}

/** The path that a match asks for, with the defaults of the schema. */
export function pathMatch(match: unknown): PathMatch {
  const path = fields(match, 'path');
  return { type: text(path['type']) ?? 'PathPrefix', value: text(path['value']) ?? '/' };
}

/**
 * A match of an HTTPRoute as the rule and the priority that Traefik gives it, by which the precedence of the Gateway API
 * comes about: exact paths, then long ones, then methods, then the number of headers and of parameters; hosts first
 * raise it by their length.
 */
export function httpMatchRule(hostnames: readonly string[], match: unknown, path: FieldPath): MatchRule {
  const host = hostnamesRule(hostnames, ['spec', 'hostnames']);
  const parts: RulePart[] = host === undefined ? [] : [host.part];
  const [pathText, pathPriority] = pathRule(pathMatch(match));
  let priority = pathPriority + (host?.priority ?? 0);
  parts.push({ text: pathText, path: [...path, 'path', 'value'] });
  const method = text(fields(match)['method']);
  if (method !== undefined) {
    parts.push({ text: call('Method', method), path: [...path, 'method'] });
    priority += 1000;
  }
  for (const [list, exact, regular, weight] of VALUES) {
    for (const [at, entry] of items(fields(match)[list]).entries()) {
      const { type, name, value } = fields(entry);
      const regexp = (type ?? 'Exact') !== 'Exact';
      parts.push({
        text: call(regexp ? regular : exact, text(name) ?? '', text(value) ?? ''),
        path: [...path, list, at, 'value'],
      });
      priority += weight;
    }
  }
  return { parts, priority };
}

const VALUES = [
  ['headers', 'Header', 'HeaderRegexp', 100],
  ['queryParams', 'Query', 'QueryRegexp', 10],
] as const;

function pathRule({ type, value }: PathMatch): [string, number] {
  const long = 10_000 + Buffer.byteLength(value) * 100;
  if (type === 'Exact') return [call('Path', value), 100_000];
  if (type === 'RegularExpression') return [call('PathRegexp', value), long];
  return [elementPrefix(value), value === '/' ? 1 : long];
}
