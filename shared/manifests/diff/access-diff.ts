import type { ApiConfig, ApplicationConfig, GatewayConfig, SubscriptionConfig } from '../../gateway/config.ts';
import type { Direction, Finding, Said } from './change.ts';
import type { ObjectRef } from '../types.ts';
import { guardsOf, type Guard } from './guards.ts';
import { objectWords, type PairedRoutes } from './route-diff.ts';
import { matcherWords } from './matcher-words.ts';

/** Who may call more or less than before: by what routes ask for, by subscriptions, by keys, and from which origins. */
export function accessChanges(before: GatewayConfig, after: GatewayConfig, routes: PairedRoutes): Finding[] {
  const found: Finding[] = [];
  const sayOf =
    (by: Said): Say =>
    (direction, what) =>
      void found.push({ direction, what, by });
  for (const pair of routes.pairs) {
    const name = `${objectWords(pair.after.source)} (${matcherWords(pair.after.match)})`;
    compareGuards(guardsOf(pair.before, before), guardsOf(pair.after, after), name, sayOf(pair.after));
  }
  for (const route of routes.added)
    if (guardsOf(route, after).length === 0)
      sayOf(route)(
        'wider',
        `${objectWords(route.source)} (${matcherWords(route.match)}) is new and public: nobody has to prove anything`,
      );
  compareGrants(before, after, sayOf);
  for (const [id, app] of Object.entries(after.applications)) compareKeys(before.applications[id], app, id, sayOf(app));
  for (const [id, api] of Object.entries(after.apis)) compareOrigins(before.apis[id], api, `API ${id}`, sayOf(api));
  for (const [id, version] of Object.entries(after.versions ?? {}))
    compareOrigins(before.versions?.[id], version, `APIVersion ${id}`, sayOf(version));
  return found;
}

type Say = (direction: Direction, what: string) => void;
type SayOf = (by: Said) => Say;

function compareGuards(was: readonly Guard[], is: readonly Guard[], name: string, say: Say): void {
  const gone = was.filter(({ key }) => !is.some((other) => other.key === key));
  const fresh = is.filter(({ key }) => !was.some((other) => other.key === key));
  const words = (guards: readonly Guard[]): string => guards.map((guard) => guard.words).join(', ');
  if (gone.length > 0 && is.length === 0) say('wider', `${name} is public now; before it asked for ${words(was)}`);
  else if (gone.length > 0 && fresh.length > 0)
    say('other', `${name} asks for ${words(fresh)} in place of ${words(gone)}`);
  else if (gone.length > 0) say('wider', `${name} no longer asks for ${words(gone)}`);
  else if (fresh.length > 0) say('narrower', `${name} asks for ${words(fresh)} now`);
  for (const guard of is) {
    const old = was.find(({ key }) => key === guard.key);
    if (old === undefined) continue;
    compareSets(old.ranges ?? [], guard.ranges ?? [], `callers of ${name}`, say);
    if (JSON.stringify(old.settings) !== JSON.stringify(guard.settings))
      say('other', `${name}: how ${guard.words} is checked`);
  }
}

function compareSets(was: readonly string[], is: readonly string[], what: string, say: Say): void {
  const fresh = is.filter((one) => !was.includes(one));
  const gone = was.filter((one) => !is.includes(one));
  if (fresh.length > 0) say('wider', `${what}: ${fresh.join(', ')} added`);
  if (gone.length > 0) say('narrower', `${what}: ${gone.join(', ')} removed`);
}

interface Right {
  /** Undefined: every operation. */
  readonly operations: readonly string[] | undefined;
  readonly claims: string | undefined;
  /** The subscription. */
  readonly source: ObjectRef;
}

/** What each application may do with each API: by the subscription in force, which is that of the highest weight. */
function rights(config: GatewayConfig): Map<string, Right> {
  const found = new Map<string, Right>();
  const ordered = Object.values(config.subscriptions).toSorted(
    (a, b) => b.weight - a.weight || (a.name < b.name ? -1 : 1),
  );
  for (const subscription of ordered) {
    for (const api of subscription.apis) {
      const operations = operationWords(subscription, setsOf(config, api));
      const callers = [...subscription.applications, ...(subscription.appIds ?? []).map((id) => `appId ${id}`)];
      for (const caller of callers) {
        const key = `application ${caller} → API ${api}`;
        if (!found.has(key)) found.set(key, { operations, claims: subscription.claims, source: subscription.source });
      }
    }
  }
  return found;
}

type Sets = ApiConfig['operationSets'];

/** Of an API and of its versions. */
function setsOf({ apis, versions = {} }: GatewayConfig, api: string): readonly Sets[] {
  const own = apis[api]?.operationSets;
  const ofVersions = Object.values(versions).filter((version) => version.apis.includes(api));
  return [...(own === undefined ? [] : [own]), ...ofVersions.map(({ operationSets }) => operationSets)];
}

function operationWords({ operations }: SubscriptionConfig, sets: readonly Sets[]): string[] | undefined {
  const matchers = operations?.flatMap((name) => sets.flatMap((of) => of[name] ?? []));
  return matchers?.map(({ methods, path, pathPrefix, pathRegex }) =>
    [
      methods.length === 0 ? 'any method' : methods.join('/'),
      path ??
        (pathPrefix === undefined ? undefined : `${pathPrefix}…`) ??
        (pathRegex === undefined ? 'any path' : `~${pathRegex}`),
    ].join(' '),
  );
}

function compareGrants(before: GatewayConfig, after: GatewayConfig, sayOf: SayOf): void {
  const [was, is] = [rights(before), rights(after)];
  for (const [key, right] of is) {
    const say = sayOf(right);
    const old = was.get(key);
    if (old === undefined) {
      say('wider', `${key}: may call${right.operations === undefined ? '' : ` ${listed(right.operations)}`}`);
      continue;
    }
    if (old.claims !== right.claims) {
      const direction = right.claims === undefined ? 'wider' : old.claims === undefined ? 'narrower' : 'other';
      say(direction, `${key}: claims ${old.claims ?? 'any'} → ${right.claims ?? 'any'}`);
    }
    const [from, to] = [old.operations, right.operations];
    if (from === undefined && to !== undefined) say('narrower', `${key}: only ${listed(to)}`);
    else if (from !== undefined && to === undefined)
      say('wider', `${key}: every operation; before only ${listed(from)}`);
    else compareSets(from ?? [], to ?? [], `${key}: operations`, say);
  }
  for (const [key, right] of was) if (!is.has(key)) sayOf(right)('narrower', `${key}: may not call any more`);
}

function listed(operations: readonly string[]): string {
  return operations.length === 0 ? 'no operation' : operations.join(', ');
}

function compareKeys(was: ApplicationConfig | undefined, is: ApplicationConfig, id: string, say: Say): void {
  if (was === undefined) return;
  const usable = ({ keys }: ApplicationConfig): string[] =>
    keys.filter(({ suspended }) => !suspended).map(({ sha256 }) => sha256);
  const [old, now] = [usable(was), usable(is)];
  // Keys have no words of their own, and their digests are nobody's business.
  const fresh = now.filter((key) => !old.includes(key)).length;
  const gone = old.filter((key) => !now.includes(key)).length;
  if (fresh > 0)
    say(
      gone > 0 ? 'other' : 'wider',
      `application ${id}: ${fresh} ${fresh === 1 ? 'key' : 'keys'} added${gone > 0 ? `, ${gone} removed` : ''}`,
    );
  else if (gone > 0) say('narrower', `application ${id}: ${gone} ${gone === 1 ? 'key' : 'keys'} removed or suspended`);
  if (was.appId !== is.appId) say('other', `application ${id}: appId ${was.appId} → ${is.appId}`);
}

type HasCors = Pick<ApiConfig, 'cors'>;

function compareOrigins(was: HasCors | undefined, is: HasCors, name: string, say: Say): void {
  if (was === undefined) return;
  const origins = ({ cors }: HasCors): string[] => [
    ...(cors?.allowOrigins ?? []),
    ...(cors?.allowOriginPatterns ?? []).map((pattern) => `like ${pattern}`),
  ];
  compareSets(origins(was), origins(is), `origins of ${name}`, say);
  const [old, now] = [was.cors?.allowCredentials === true, is.cors?.allowCredentials === true];
  if (old !== now)
    say(now ? 'wider' : 'narrower', `origins of ${name}: ${now ? 'with' : 'without'} the credentials of browsers`);
}
