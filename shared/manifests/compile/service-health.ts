import type { HealthCheckConfig, PassiveHealthCheckConfig } from '../../gateway/service.ts';
import { fields, flag, integer, isFields, text, textMap } from '../field.ts';
import type { FieldPath } from '../field-path.ts';
import type { ManifestDocument } from '../types.ts';
import { say, type Scope } from './scope.ts';
import { serviceDuration } from './service-duration.ts';

const INTERVAL_MS = 30_000;
const TIMEOUT_MS = 5000;
const WINDOW_MS = 10_000;

/** Undefined, with a diagnostic, for what Traefik refuses together with the route; null when nothing is asked for. */
export function healthCheckConfig(
  scope: Scope,
  document: ManifestDocument,
  value: unknown,
  path: FieldPath,
): HealthCheckConfig | null | undefined {
  if (!isFields(value)) return null;
  const times = readTimes(scope, document, value, path, ['interval', 'unhealthyInterval', 'timeout']);
  if (times === undefined) return undefined;
  const wanted = text(value['path']) ?? '';
  if (/^[a-z][a-z0-9+.-]*:|^\/\//i.test(wanted)) {
    const message = `the path of a health check is relative to the server, not "${wanted}": every check fails`;
    say(scope, document, 'route-invalid', [...path, 'path'], message, { severity: 'warning' });
  }
  const interval = positive(times['interval'], INTERVAL_MS);
  const status = integer(value['status']) ?? 0;
  const port = integer(value['port']) ?? 0;
  return {
    mode: value['mode'] === 'grpc' ? 'grpc' : 'http',
    scheme: text(value['scheme']) || undefined,
    path: wanted,
    method: text(value['method']) || 'GET',
    status: status === 0 ? undefined : status,
    port: port === 0 ? undefined : port,
    hostname: text(value['hostname']) || undefined,
    headers: textMap(value['headers']),
    followRedirects: flag(value['followRedirects']) ?? true,
    intervalMs: interval,
    unhealthyIntervalMs: times['unhealthyInterval'] === undefined ? interval : positive(times['unhealthyInterval'], INTERVAL_MS),
    timeoutMs: positive(times['timeout'], TIMEOUT_MS),
  }; // prettier-ignore
}

/** As `healthCheckConfig`. */
export function passiveHealthCheckConfig(
  scope: Scope,
  document: ManifestDocument,
  value: unknown,
  path: FieldPath,
): PassiveHealthCheckConfig | null | undefined {
  if (!isFields(value)) return null;
  const times = readTimes(scope, document, value, path, ['failureWindow']);
  if (times === undefined) return undefined;
  const failureWindowMs = times['failureWindow'] ?? WINDOW_MS;
  return { failureWindowMs, maxFailedAttempts: integer(fields(value)['maxFailedAttempts']) ?? 1 };
}

function positive(ms: number | undefined, otherwise: number): number {
  return ms === undefined || ms <= 0 ? otherwise : ms;
}

function readTimes(
  scope: Scope,
  document: ManifestDocument,
  value: Readonly<Record<string, unknown>>,
  path: FieldPath,
  names: readonly string[],
): Record<string, number | undefined> | undefined {
  const times: Record<string, number | undefined> = {};
  for (const name of names) {
    const written = value[name];
    if (written === undefined) continue;
    times[name] = serviceDuration(written);
    if (times[name] !== undefined) continue;
    const message = `${JSON.stringify(written)} is not a duration: Traefik does not serve the route`;
    say(scope, document, 'route-invalid', [...path, name], message, { hint: 'Write it as 10s or 1m30s.' });
    return undefined;
  }
  return times;
}
