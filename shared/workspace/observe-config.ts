import { z } from 'zod';

/** `true` stands for an empty object, which is all defaults; `false` for nothing. */
function switched<T extends z.ZodType>(options: T) {
  return z.preprocess((value) => (value === true ? {} : value === false ? undefined : value), options.optional());
}

const token = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'a name of a header');
const durationPattern = /^(\d+(\.\d+)?(h|ms|m|s|us|µs|ns))+$/;
const duration = z.string().max(50).regex(durationPattern, 'a duration such as 10ms or 1.5s');
const buckets = z
  .array(z.number().positive())
  .min(1)
  .max(50)
  .refine((all) => all.every((bound, at) => at === 0 || bound > (all[at - 1] ?? 0)), 'bounds that rise');
const statusRange = z.string().regex(/^[1-9]\d\d(-[1-9]\d\d)?$/, 'a status such as 404, or a range such as 500-599');
const names = z.array(z.string().min(1).max(200)).max(100).default([]);

/** Where spans or metrics go by OTLP, protobuf over HTTP. */
const otlpTarget = z.strictObject({
  http: z
    .strictObject({
      /** With its path; a path of `/` stands for OTLP's own. Absent: as `OTEL_EXPORTER_OTLP_…` of the agent say. */
      endpoint: z
        .url({ protocol: /^https?$/ })
        .refine((url) => new URL(url).username === '' && new URL(url).password === '', {
          message: 'credentials do not belong here: give the agent OTEL_EXPORTER_OTLP_HEADERS',
        })
        .optional(),
    })
    .prefault({}),
});
const resource = {
  serviceName: z.string().min(1).max(200).default('adit'),
  resourceAttributes: z.record(z.string().min(1).max(200), z.string().max(1000)).default({}),
};

/** Options and defaults are those of Traefik's `accessLog`, but for the format, which is JSON. */
const accessLog = z.strictObject({
  format: z.enum(['json', 'common', 'genericCLF']).default('json'),
  /** A line is written when any of them holds; without any, always. */
  filters: z
    .strictObject({
      statusCodes: z.array(statusRange).max(50).default([]),
      retryAttempts: z.boolean().default(false),
      minDuration: duration.optional(),
    })
    .prefault({}),
  fields: z
    .strictObject({
      defaultMode: z.enum(['keep', 'drop']).default('keep'),
      names: z.record(z.string(), z.enum(['keep', 'drop'])).default({}),
      headers: z
        .strictObject({
          defaultMode: z.enum(['keep', 'drop', 'redact']).default('drop'),
          names: z.record(token, z.enum(['keep', 'drop', 'redact'])).default({}),
        })
        .prefault({}),
    })
    .prefault({}),
});

const levels = {
  addEntryPointsLabels: z.boolean().default(true),
  addRoutersLabels: z.boolean().default(false),
  addServicesLabels: z.boolean().default(true),
};
const metrics = z.strictObject({
  /** `GET /v1/metrics` of the agent's local API. */
  prometheus: switched(z.strictObject({ buckets: buckets.default([0.1, 0.3, 1.2, 5]), ...levels })),
  otlp: switched(
    otlpTarget.extend({
      ...resource,
      ...levels,
      explicitBoundaries: buckets.default([0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]),
      pushInterval: duration.default('10s'),
    }),
  ),
});

const tracing = z.strictObject({
  ...resource,
  /** Of the requests that bring no decision with them. */
  sampleRate: z.number().min(0).max(1).default(1),
  capturedRequestHeaders: z.array(token).max(100).default([]),
  capturedResponseHeaders: z.array(token).max(100).default([]),
  /** Parameters of queries whose values are shown. */
  safeQueryParams: names,
  otlp: otlpTarget.prefault({}),
});

export const observeConfig = z.strictObject({
  /** A line for each request, in `access.log` of the agent's state folder. */
  accessLog: switched(accessLog),
  /** `true`: for Prometheus. */
  metrics: z.preprocess(
    (value) => (value === true ? { prometheus: true } : value === false ? undefined : value),
    metrics.optional(),
  ),
  tracing: switched(tracing),
});
export type ObserveConfig = z.infer<typeof observeConfig>;
export type AccessLogConfig = NonNullable<ObserveConfig['accessLog']>;
type MetricsConfig = NonNullable<ObserveConfig['metrics']>;
export type PrometheusConfig = NonNullable<MetricsConfig['prometheus']>;
export type OtlpMetricsConfig = NonNullable<MetricsConfig['otlp']>;
export type TracingConfig = NonNullable<ObserveConfig['tracing']>;
