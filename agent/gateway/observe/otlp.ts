import type { AgentOptions } from 'node:http';
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

/** Throws AgentError for an address that nothing is ever sent to. */
export function exporterOptions({ http: { endpoint } }: Target, signal: 'traces' | 'metrics'): ExporterOptions {
  const httpAgentOptions: AgentOptions = { keepAlive: true, lookup: guardedLookup };
  if (endpoint === undefined) return { httpAgentOptions };
  const url = new URL(endpoint);
  const bare = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
  if (isIP(bare) !== 0 && isRefusedAddress(bare))
    throw new AgentError('upstream-refused', `Nothing is sent to ${endpoint}.`);
  if (url.pathname === '/') url.pathname = `/v1/${signal}`;
  return { url: url.href, httpAgentOptions };
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
