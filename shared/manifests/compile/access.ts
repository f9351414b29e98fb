import type { ApplicationConfig, Bucket, PlanConfig, SubscriptionConfig } from '../../gateway/config.ts';
import { durationMs } from '../duration.ts';
import { fields, integer, isFields, items, text, texts } from '../field.ts';
import { CORE } from '../kinds.ts';
import { nearNames } from '../near-names.ts';
import type { ManifestDocument } from '../types.ts';
import { claimsOf } from './claims.ts';
import { digest } from './digest.ts';
import { keyOf, madeOnce, notEnforced, say, type Findings, type Scope } from './scope.ts';
import { secretKeys, secretValue } from './secret-value.ts';

/** Where a Secret holds an API key, in the order tried. */
const KEY_NAMES = ['key', 'value'];

export function applicationConfig(scope: Scope, application: ManifestDocument): ApplicationConfig {
  const spec = fields(application.value, 'spec');
  const keys = items(spec['apiKeys']).flatMap((entry, at) => {
    const { title, suspended } = fields(entry);
    const value = keyValue(scope, application, fields(entry), at);
    return value === undefined || value === ''
      ? []
      : [{ title: text(title), sha256: digest(value), suspended: suspended === true }];
  });
  return { source: application.ref, appId: text(spec['appId']) ?? application.ref.name, keys };
}

function keyValue(
  scope: Scope,
  application: ManifestDocument,
  entry: Readonly<Record<string, unknown>>,
  at: number,
): string | undefined {
  const inline = text(entry['value']);
  if (inline !== undefined) return inline;
  const name = text(entry['secretName']);
  if (name === undefined) return undefined;
  const secret = scope.resolution.byId.get(`${CORE}/Secret/${application.ref.namespace}/${name}`);
  // Absent, it is reported as a reference.
  if (secret === undefined) return undefined;
  const value = secretValue(secret, KEY_NAMES);
  if (value === undefined || value === '') {
    const has = secretKeys(secret);
    const message = `Secret "${name}" holds no API key: neither "key" nor "value" has one`;
    const hint = `Put the key under "key".${has.length > 0 ? ` The Secret has ${has.map((key) => `"${key}"`).join(', ')}.` : ''}`;
    say(scope, application, 'secret-key-missing', ['spec', 'apiKeys', at, 'secretName'], message, { hint });
  }
  return value;
}

/** Warns of applications that a gateway cannot tell apart. */
export function checkApplications(
  scope: Scope,
  documents: readonly ManifestDocument[],
  configs: readonly ApplicationConfig[],
): void {
  const byKey = new Map<string, ManifestDocument>();
  const byAppId = new Map<string, ManifestDocument>();
  for (const [index, document] of documents.entries()) {
    const config = configs[index];
    if (config === undefined) continue;
    const id = `${document.ref.namespace}/${config.appId}`;
    conflict(scope, byAppId.get(id), document, ['spec', 'appId'], `appId "${config.appId}"`);
    byAppId.set(id, byAppId.get(id) ?? document);
    for (const { sha256 } of config.keys) {
      conflict(scope, byKey.get(sha256), document, ['spec', 'apiKeys'], 'an API key');
      byKey.set(sha256, byKey.get(sha256) ?? document);
    }
  }
}

function conflict(
  scope: Scope,
  first: ManifestDocument | undefined,
  second: ManifestDocument,
  path: readonly string[],
  what: string,
): void {
  if (first === undefined) return;
  if (first === second) return;
  const message = `${what} is used by ManagedApplication "${first.ref.name}" (${first.file}) as well: calls count for that one`;
  say(scope, second, 'application-conflict', path, message, { hint: 'Give each application its own.' });
}

export function subscriptionConfig(
  scope: Scope,
  subscription: ManifestDocument,
  operationSets: (api: string) => readonly string[],
): SubscriptionConfig {
  const spec = fields(subscription.value, 'spec');
  const grant = scope.resolution.grants.get(subscription);
  const apis = (grant?.apis ?? []).map(({ document }) => keyOf(document));
  const claims = claimsOf(scope, subscription, ['spec', 'claims'], spec['claims']);
  const operations = isFields(spec['operationFilter']) ? texts(spec['operationFilter']['include']) : undefined;
  const known = new Set(operations === undefined ? [] : apis.flatMap(operationSets));
  for (const [at, name] of (operations ?? []).entries()) {
    if (known.has(name)) continue;
    const near = nearNames(name, known).map((other) => `"${other}"`);
    const hint =
      near.length > 0
        ? `Did you mean ${near.join(' or ')}?`
        : 'Define it under spec.openApiSpec.operationSets of the API.';
    const message = `no API of this subscription has an operation set "${name}"`;
    say(scope, subscription, 'reference-missing', ['spec', 'operationFilter', 'include', at], message, {
      severity: 'warning',
      hint,
    });
  }
  return {
    source: subscription.ref,
    name: subscription.ref.name,
    apis,
    applications: (grant?.applications ?? []).map(({ document }) => keyOf(document)),
    appIds: grant?.appIds ?? [],
    claims,
    plan: grant?.plan === undefined ? undefined : keyOf(grant.plan),
    weight: integer(spec['weight']) ?? 0,
    operations,
  };
}

export const planConfig = madeOnce((scope, plan): PlanConfig => {
  return { source: plan.ref, rateLimit: limit(scope, plan, 'rateLimit'), quota: limit(scope, plan, 'quota') };
});

function limit(scope: Findings, plan: ManifestDocument, field: 'rateLimit' | 'quota'): PlanConfig['rateLimit'] {
  const from = fields(plan.value, 'spec')[field];
  if (!isFields(from)) return undefined;
  const count = integer(from['limit']);
  if (count === undefined || count < 0) return undefined;
  const period = text(from['period']);
  if (period === undefined && field === 'quota') {
    notEnforced(scope, plan, ['spec', field], 'the quota has no period, and the schema gives none');
    return undefined;
  }
  if (period === undefined)
    notEnforced(
      scope,
      plan,
      ['spec', field],
      'the rate has no period, and the schema gives none; the preview takes 1s',
      'info',
    );
  const periodMs = durationMs(period ?? '1s');
  // A period that is none is the schema's to report.
  if (periodMs === undefined || periodMs === 0) return undefined;
  return { limit: count, periodMs, bucket: bucketOf(text(from['bucket'])) };
}

function bucketOf(name: string | undefined): Bucket {
  return name === 'application-api' || name === 'application' ? name : 'subscription';
}
