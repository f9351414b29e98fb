import { readFileSync } from 'node:fs';
import type { AgentOptions } from 'node:https';
import { isIP } from 'node:net';
import { ExportResultCode, type ExportResult } from '@opentelemetry/core';
import {
  detectResources,
  defaultResource,
  envDetector,
  resourceFromAttributes,
  type Resource,
} from '@opentelemetry/resources';
import { AgentError } from '../../errors.ts';
import { guardedLookup, isRefusedAddress } from '../address-guard.ts';

const DEFAULT_ENDPOINT = 'http://localhost:4318';

interface Target {
  readonly http: { readonly endpoint?: string | undefined };
}

/** What the exporters of both signals are made with. Whatever is absent they read from `OTEL_EXPORTER_OTLP_…` themselves. */
export interface ExporterOptions {
  readonly url?: string;
  readonly httpAgentOptions: AgentOptions;
  /** Of one delivery with all its tries; absent: as the environment says, or 10 s. */
  readonly timeoutMillis?: number;
}

type Signal = 'traces' | 'metrics';

/** Throws AgentError for an address that nothing, or no credential, is sent to, and what reading of files throws. */
export function exporterOptions({ http: { endpoint } }: Target, signal: Signal): ExporterOptions {
  const httpAgentOptions = { keepAlive: true, lookup: guardedLookup, ...certificates(signal) };
  if (endpoint === undefined) return { httpAgentOptions };
  const url = new URL(endpoint);
  const bare = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
  if (isIP(bare) !== 0 && isRefusedAddress(bare))
    throw new AgentError('upstream-refused', `Nothing is sent to ${endpoint}.`);
  keepCredentials(url, signal);
  if (url.pathname === '/') url.pathname = `/v1/${signal}`;
  return { url: url.href, httpAgentOptions };
}

/** The SDK would send what proves who the user is to whatever endpoint a workspace names; it goes to the user's own alone. */
function keepCredentials(url: URL, signal: Signal): void {
  const credential = ['HEADERS', 'CLIENT_KEY'].find((name) => fromEnvironment(signal, name) !== undefined);
  if (credential === undefined) return;
  const own = fromEnvironment(signal, 'ENDPOINT') ?? DEFAULT_ENDPOINT;
  if (URL.canParse(own) && new URL(own).origin === url.origin) return;
  throw new AgentError(
    'config-refused',
    `OTEL_EXPORTER_OTLP_${credential} of the environment is for ${URL.canParse(own) ? new URL(own).origin : own}, and adit.yaml names ${url.origin}: name it in OTEL_EXPORTER_OTLP_ENDPOINT, or leave it out of adit.yaml.`,
  );
}

function certificates(signal: Signal): AgentOptions & { ca?: Buffer; cert?: Buffer; key?: Buffer } {
  const read = (name: string): Buffer | undefined => {
    const path = fromEnvironment(signal, name);
    return path === undefined ? undefined : readFileSync(path);
  };
  const [ca, cert, key] = [read('CERTIFICATE'), read('CLIENT_CERTIFICATE'), read('CLIENT_KEY')];
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

/** As the specification of the exporters has it: of the signal before of all; empty is absent. */
function fromEnvironment(signal: Signal, name: string): string | undefined {
  for (const variable of [`OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_${name}`, `OTEL_EXPORTER_OTLP_${name}`]) {
    const value = process.env[variable]?.trim() ?? '';
    if (value !== '') return value;
  }
  return undefined;
}

/** Who sends. The environment (`OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`) comes before the configuration, as in Traefik. */
export function resourceOf(
  config: { readonly serviceName: string; readonly resourceAttributes: Readonly<Record<string, string>> },
  version: string,
): Resource {
  return defaultResource()
    .merge(
      resourceFromAttributes({
        'service.name': config.serviceName,
        'service.version': version,
        ...config.resourceAttributes,
      }),
    )
    .merge(detectResources({ detectors: [envDetector] }));
}

/** Says once that what is exported does not arrive, and once that it does again. */
export class Arrival {
  readonly #what: string;
  readonly #say: (message: string) => void;
  #lost = false;

  constructor(what: string, say: (message: string) => void) {
    this.#what = what;
    this.#say = say;
  }

  told({ code, error }: ExportResult): void {
    const lost = code !== ExportResultCode.SUCCESS;
    if (lost === this.#lost) return;
    this.#lost = lost;
    this.#say(
      lost
        ? `${this.#what} do not arrive (${error?.message ?? 'no reason is known'}) and are dropped. Requests go on as before; is the OTLP endpoint right?`
        : `${this.#what} arrive again.`,
    );
  }
}
