import { durationMs, periodWords } from '../duration.ts';
import { fields, integer, items, text, texts } from '../field.ts';
import { CORE, HUB, NETWORKING, TRAEFIK } from '../kinds.ts';
import type { ManifestDocument } from '../types.ts';

/** The one line that matters about an object: host and path, release, limit. */
export function detailOf(document: ManifestDocument): string {
  const spec = fields(document.value, 'spec');
  switch (document.sort) {
    case `${TRAEFIK}/IngressRoute`:
      return listed(items(spec['routes']).flatMap((route) => text(fields(route)['match'])?.trim() ?? []));
    case `${NETWORKING}/Ingress`:
      return listed(ingressLines(spec['rules']));
    case `${TRAEFIK}/Middleware`:
      return middlewareLine(spec);
    case `${CORE}/Service`:
      return listed([
        ...(text(spec['externalName']) === undefined ? [] : [String(spec['externalName'])]),
        ...items(spec['ports']).map((port) => `:${String(fields(port)['port'])}`),
      ]);
    case `${CORE}/Secret`:
      return listed([
        ...Object.keys(fields(document.value, 'data')),
        ...Object.keys(fields(document.value, 'stringData')),
      ]);
    case `${HUB}/API`: {
      const versions = items(spec['versions']).flatMap((version) => text(fields(version)['name']) ?? []);
      return versions.length > 0
        ? listed(versions)
        : ((text(spec['description']) ?? '').split('\n', 1)[0]?.slice(0, 120) ?? '');
    }
    case `${HUB}/APIVersion`:
      return text(spec['release']) ?? '';
    case `${HUB}/APIAuth`:
      return authLine(spec);
    case `${HUB}/APIPlan`:
      return planLine(spec);
    case `${HUB}/ManagedApplication`: {
      const keys = items(spec['apiKeys']).length;
      return `${text(spec['appId']) ?? ''} · ${keys} ${keys === 1 ? 'key' : 'keys'}`;
    }
    case `${HUB}/ManagedSubscription`:
      return text(fields(spec, 'apiPlan')['name']) ?? '';
    default:
      return '';
  }
}

function ingressLines(rules: unknown): string[] {
  return items(rules).flatMap((rule) => {
    const host = text(fields(rule)['host']) ?? '';
    const paths = items(fields(rule, 'http')['paths']).map((path) => `${host}${text(fields(path)['path']) ?? '/'}`);
    return paths.length > 0 ? paths : [host];
  });
}

function middlewareLine(spec: Readonly<Record<string, unknown>>): string {
  const type = Object.keys(spec)[0] ?? '';
  return type === 'stripPrefix' ? `${type} ${texts(fields(spec, type)['prefixes']).join(', ')}` : type;
}

function authLine(spec: Readonly<Record<string, unknown>>): string {
  const method = ['apiKey', 'jwt', 'ldap', 'keyless'].find((name) => Object.hasOwn(spec, name)) ?? '';
  const words: Readonly<Record<string, string>> = { apiKey: 'API key', jwt: 'JWT', ldap: 'LDAP', keyless: 'no key' };
  return `${words[method] ?? ''}${spec['isDefault'] === true ? ' · default' : ''}`;
}

function planLine(spec: Readonly<Record<string, unknown>>): string {
  const rate = fields(spec, 'rateLimit');
  const quota = fields(spec, 'quota');
  const parts: string[] = [];
  if (integer(rate['limit']) !== undefined) parts.push(`${short(rate['limit'])}/${periodOf(rate['period'])}`);
  if (integer(quota['limit']) !== undefined) parts.push(`${short(quota['limit'])} per ${periodOf(quota['period'])}`);
  return parts.length === 0 ? 'no limit' : parts.join(' · ');
}

function periodOf(period: unknown): string {
  const written = text(period);
  if (written === undefined) return 's';
  const ms = durationMs(written);
  return ms === undefined || ms === 0 ? written : periodWords(ms);
}

/** `50000` → `50k`. */
function short(count: unknown): string {
  const number = integer(count) ?? 0;
  if (number >= 1_000_000 && number % 100_000 === 0) return `${number / 1_000_000}M`;
  return number >= 1_000 && number % 100 === 0 ? `${number / 1_000}k` : String(number);
}

function listed(lines: readonly string[]): string {
  if (lines.length <= 2) return lines.join(', ');
  return `${lines.slice(0, 2).join(', ')} and ${lines.length - 2} more`;
}
