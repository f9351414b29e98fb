import { fields, items, text } from '../field.ts';
import type { FieldPath } from '../field-path.ts';
import type { MatchRule } from './http-match-rule.ts';
import { call, hostnamesRule, ruleText, type RulePart } from './made-rule.ts';

const ANY = '[^/]+';

/**
 * A match of a GRPCRoute as Traefik's rule: service and method are patterns of a path, of whatever type the match is, and
 * what is absent stands for any. The priority is the length of the rule, raised by the longest host.
 */
export function grpcMatchRule(hostnames: readonly string[], match: unknown, path: FieldPath): MatchRule {
  const host = hostnamesRule(hostnames, ['spec', 'hostnames']);
  const parts: RulePart[] = [];
  const method = fields(match)['method'];
  if (method === undefined) parts.push({ text: call('PathPrefix', '/'), path });
  else {
    const wanted = fields(method);
    const pattern = `/${text(wanted['service']) || ANY}/${text(wanted['method']) || ANY}`;
    parts.push({ text: call('PathRegexp', pattern), path: [...path, 'method'] });
  }
  for (const [at, entry] of items(fields(match)['headers']).entries()) {
    const { type, name, value } = fields(entry);
    const matcher = (type ?? 'Exact') === 'Exact' ? 'Header' : 'HeaderRegexp';
    parts.push({ text: call(matcher, text(name) ?? '', text(value) ?? ''), path: [...path, 'headers', at, 'value'] });
  }
  const priority = Buffer.byteLength(ruleText(parts)) + (host?.priority ?? 0);
  return { parts: host === undefined ? parts : [host.part, ...parts], priority };
}
