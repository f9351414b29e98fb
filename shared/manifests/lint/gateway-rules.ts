import type { RouteConfig } from '../../gateway/config.ts';
import { objectId } from '../object-id.ts';
import type { FieldPath } from '../field-path.ts';
import type { ManifestDocument } from '../types.ts';
import type { Finding, LintSubject } from './finding.ts';
import { covers } from './matcher-covers.ts';

/** With more routes than this, only those of one host and priority class would be compared; nobody has written so many by hand. */
const MAX_PAIRS = 2_000_000;

/** Rules that look at what the gateway would serve. */
export function gatewayFindings(subject: LintSubject): Finding[] {
  return [...openApis(subject), ...shadowed(subject), ...overlaps(subject)];
}

function openApis({ resolution, config }: LintSubject): Finding[] {
  const found = new Map<ManifestDocument, Finding>();
  for (const { api, source } of config.routes) {
    const auth = api === undefined ? undefined : config.apis[api]?.auth;
    const document = resolution.byId.get(objectId(source));
    if (auth?.kind !== 'keyless' || document === undefined || found.has(document)) continue;
    const why = auth.source === undefined ? 'no APIAuth' : `APIAuth "${auth.source.name}" is keyless`;
    found.set(document, {
      rule: 'open-api',
      document,
      path: ['metadata', 'annotations', 'hub.traefik.io/api'],
      message: `the route serves API "${api}" to callers who prove nothing: ${why}`,
      hint: 'Choose apiKey, jwt or ldap in the APIAuth of the namespace.',
    });
  }
  return [...found.values()];
}

function shadowed({ resolution, config }: LintSubject): Finding[] {
  const findings: Finding[] = [];
  let pairs = 0;
  for (const [at, route] of config.routes.entries()) {
    const document = resolution.byId.get(objectId(route.source));
    // What a parent takes and none of its children does is nobody's to write.
    if (document === undefined || route.id.endsWith('>none')) continue;
    for (const before of config.routes.slice(0, at)) {
      if ((pairs += 1) > MAX_PAIRS) return findings;
      if (before === route || !covers(before.match, route.match)) continue;
      findings.push({
        rule: 'shadowed-route',
        document,
        path: pathOf(route),
        message: `it never answers: ${before.id} (priority ${before.priority}) takes all of its requests before`,
        hint: 'Give it a higher priority, or make the rule of the other one narrower.',
      });
      break;
    }
  }
  return findings;
}

/** Of an IngressRoute the number in the id is that of the route. */
function pathOf(route: RouteConfig): FieldPath {
  const at = Number(route.id.slice(route.id.lastIndexOf('#') + 1));
  return route.source.kind === 'IngressRoute' && Number.isInteger(at)
    ? ['spec', 'routes', at, 'match']
    : ['metadata', 'name'];
}

/** By `hub-kinds` facts 1.3 the highest weight wins, and of equal ones the first name: rarely what was meant. */
function overlaps({ resolution, config }: LintSubject): Finding[] {
  const findings: Finding[] = [];
  const first = new Map<string, { name: string; plan: string | undefined }>();
  for (const subscription of Object.values(config.subscriptions)) {
    const document = resolution.byId.get(objectId(subscription.source));
    if (document === undefined) continue;
    const met = new Set<string>();
    for (const api of subscription.apis) {
      for (const application of subscription.applications) {
        const key = `${api} ${application} ${subscription.weight}`;
        const other = first.get(key);
        if (other === undefined) first.set(key, { name: subscription.name, plan: subscription.plan });
        else if (other.plan !== subscription.plan && !met.has(other.name)) {
          met.add(other.name);
          findings.push({
            rule: 'subscription-overlap',
            document,
            path: ['spec', 'weight'],
            message: `the subscriptions "${other.name}" and "${subscription.name}" give application "${application}" different plans for API "${api}" with the same weight ${subscription.weight}: the first name in the alphabet wins`,
            hint: 'Give them different weights.',
          });
        }
      }
    }
  }
  return findings;
}
