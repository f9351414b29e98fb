import type { Matcher } from '../../gateway/matcher.ts';
import { fields, items, type Fields } from '../field.ts';
import type { FieldPath } from '../field-path.ts';
import type { ManifestDocument } from '../types.ts';
import { attachment } from './attachment.ts';
import { gatewayBackend, refusedBackend } from './gateway-backend.ts';
import { grpcMatchRule } from './grpc-match-rule.ts';
import { addHosts } from './hosts.ts';
import { httpMatchRule, pathMatch, type MatchRule } from './http-match-rule.ts';
import { madeMatcher, ruleText } from './made-rule.ts';
import { attachedHostnames, type Listeners } from './parent-listeners.ts';
import { ranked, type RankedRoute } from './ranked-route.ts';
import { routeFilters } from './route-filters.ts';
import { notEnforced, say, type Scope } from './scope.ts';

/** Fields of a rule that Traefik v3.6 does not look at. */
const IGNORED = ['timeouts', 'retry', 'sessionPersistence'] as const;
/** What the schema puts in place of what is absent. */
const EVERYTHING = [{ path: { type: 'PathPrefix', value: '/' } }];

/**
 * The routes of an HTTPRoute or a GRPCRoute: one for each match of each rule, under the hosts that the listeners and the
 * route have in common.
 */
export function gatewayRoutes(scope: Scope, document: ManifestDocument, listeners: Listeners): RankedRoute[] {
  const grpc = document.ref.kind === 'GRPCRoute';
  const hostLists = attachedHostnames(scope, document, listeners);
  if (hostLists.length === 0) return [];
  const attached = attachment(scope, document);
  const written = fields(document.value, 'spec')['rules'];
  const rules = items(written ?? (grpc ? [] : [{}]));
  const made: RankedRoute[] = [];
  const seen = new Set<string>();
  for (const [index, entry] of rules.entries()) {
    const rule = fields(entry);
    const base: FieldPath = ['spec', 'rules', index];
    for (const field of IGNORED)
      if (Object.hasOwn(rule, field))
        notEnforced(scope, document, [...base, field], `Traefik v3.6 does not apply "${field}"`, 'info');
    const wanted = items(rule['backendRefs']);
    const backends = wanted.flatMap(
      (backend, at) => gatewayBackend(scope, document, backend, [...base, 'backendRefs', at]) ?? [],
    );
    const served = backends.length === wanted.length;
    sayOfBackends(scope, document, rule, base);
    for (const [at, match] of matchesOf(rule, grpc).entries()) {
      const path = [...base, 'matches', at];
      const filters = routeFilters(
        scope,
        document,
        rule['filters'],
        [...base, 'filters'],
        grpc ? undefined : pathMatch(match),
      );
      for (const hostnames of hostLists) {
        const text = grpc ? grpcMatchRule(hostnames, match, path) : httpMatchRule(hostnames, match, path);
        const key = `${index} ${ruleText(text.parts)}`;
        if (seen.has(key)) continue;
        seen.add(key);
        const matcher = matcherOf(scope, document, text);
        if (matcher === undefined || !served || filters.kind === 'unserved' || attached.kind === 'broken') continue;
        made.push(
          ranked({
            id: `${document.ref.kind}/${document.ref.namespace}/${document.ref.name}#${made.length}`,
            source: document.ref,
            match: matcher,
            // Of one object's rules the first goes first.
            priority: text.priority + (grpc ? 0 : rules.length - index),
            middlewares: filters.kind === 'filters' ? filters.middlewares : [],
            backends: filters.kind === 'filters' ? backends : [refusedBackend(document, 'invalid-filter', 1)],
            ...attached.fields,
          }),
        );
      }
    }
  }
  return made;
}

function matchesOf(rule: Fields, grpc: boolean): readonly unknown[] {
  const { matches } = rule;
  if (matches === undefined) return grpc ? [{}] : EVERYTHING;
  return grpc && items(matches).length === 0 ? [{}] : items(matches);
}

function matcherOf(scope: Scope, document: ManifestDocument, rule: MatchRule): Matcher | undefined {
  const matcher = madeMatcher(scope, document, rule.parts);
  if (matcher !== undefined) addHosts(scope.hosts, matcher);
  return matcher;
}

function sayOfBackends(scope: Scope, document: ManifestDocument, rule: Fields, base: FieldPath): void {
  const backends = items(rule['backendRefs']);
  for (const [at, backend] of backends.entries()) {
    if (items(fields(backend)['filters']).length > 0)
      notEnforced(
        scope,
        document,
        [...base, 'backendRefs', at, 'filters'],
        'Traefik v3.6 does not apply filters of a backend',
        'info',
      );
  }
  const redirects = items(rule['filters']).some((filter) => fields(filter)['type'] === 'RequestRedirect');
  if (backends.length === 0 && !redirects)
    say(scope, document, 'route-invalid', base, 'the rule has no backend: requests are answered with 503', {
      severity: 'warning',
      hint: 'Add `backendRefs:` with name and port of a Service.',
    });
}
