import type { Encoding, StatusRange } from '../../gateway/middleware.ts';
import { breakerFunctions, parsePredicate, retryFunctions } from '../../gateway/predicate-expression.ts';
import { fields, flag, integer, text, texts } from '../field.ts';
import { backend } from './backend.ts';
import type { Reader, Reading } from './middleware-reading.ts';
import { mayRefer } from './scope.ts';

const ENCODINGS: readonly Encoding[] = ['gzip', 'br', 'zstd'];

/** Types of Middleware that look at answers, bodies or failures. */
export const bodyReaders: Readonly<Record<string, Reader>> = {
  compress(reading) {
    const { spec, source } = reading;
    const excluded = texts(spec['excludedContentTypes']);
    const included = texts(spec['includedContentTypes']);
    if (excluded.length > 0 && included.length > 0)
      return reading.refuse(
        ['includedContentTypes'],
        'excludedContentTypes and includedContentTypes exclude each other',
      );
    const written = Array.isArray(spec['encodings']) ? texts(spec['encodings']) : ENCODINGS;
    if (written.length === 0) return reading.refuse(['encodings'], 'no encoding is given');
    const encodings = written.flatMap((name) => ENCODINGS.find((known) => known === name) ?? []);
    const unknown = written.find((name) => !ENCODINGS.some((known) => known === name));
    if (unknown !== undefined) return reading.refuse(['encodings'], `"${unknown}" is not an encoding that Traefik has`);
    const named = text(spec['defaultEncoding']) ?? '';
    const defaultEncoding = encodings.find((each) => each === named);
    if (named !== '' && defaultEncoding === undefined)
      return reading.refuse(['defaultEncoding'], `"${named}" is not among the encodings`);
    const minBytes = integer(spec['minResponseBodyBytes']) ?? 0;
    return [
      {
        kind: 'compress',
        source,
        encodings,
        defaultEncoding,
        minBytes: minBytes > 0 ? minBytes : 1024,
        excluded,
        included,
      },
    ];
  },
  retry(reading) {
    const attempts = integer(reading.spec['attempts']) ?? 0;
    if (attempts <= 0) return reading.refuse(['attempts'], 'the number of attempts is missing');
    const initialIntervalMs = reading.duration('initialInterval', 0);
    if (initialIntervalMs === undefined) return undefined;
    return [{ kind: 'retry', source: reading.source, attempts, initialIntervalMs }];
  },
  circuitBreaker(reading) {
    const { spec, source } = reading;
    const checkPeriodMs = reading.duration('checkPeriod', 100);
    const fallbackMs = reading.duration('fallbackDuration', 10_000);
    const recoveryMs = reading.duration('recoveryDuration', 10_000);
    if (checkPeriodMs === undefined || fallbackMs === undefined || recoveryMs === undefined) return undefined;
    const expression = text(spec['expression']) ?? '';
    const condition = parsePredicate(expression, breakerFunctions);
    if (typeof condition !== 'function') return reading.refuse(['expression'], condition.problem);
    const status = integer(spec['responseCode']) || 503;
    return [
      {
        kind: 'circuit-breaker',
        source,
        expression,
        checkPeriodMs: checkPeriodMs > 0 ? checkPeriodMs : 100,
        fallbackMs: fallbackMs > 0 ? fallbackMs : 10_000,
        recoveryMs: recoveryMs > 0 ? recoveryMs : 10_000,
        status,
      },
    ];
  },
  buffering(reading) {
    const { spec, source } = reading;
    for (const field of ['memRequestBodyBytes', 'memResponseBodyBytes']) {
      if ((integer(spec[field]) ?? 0) < 0) return reading.refuse([field], 'the number is negative');
      if (Object.hasOwn(spec, field))
        reading.leftOut([field], 'bodies are kept in memory, up to 64 MiB, and never on disk', 'info');
    }
    const retryExpression = text(spec['retryExpression']) || undefined;
    const condition = retryExpression === undefined ? undefined : parsePredicate(retryExpression, retryFunctions);
    if (typeof condition === 'object') return reading.refuse(['retryExpression'], condition.problem);
    const limit = (field: string): number | undefined => {
      const bytes = integer(spec[field]) ?? 0;
      return bytes > 0 ? bytes : undefined;
    };
    const maxRequestBytes = limit('maxRequestBodyBytes');
    const maxResponseBytes = limit('maxResponseBodyBytes');
    return [{ kind: 'buffering', source, maxRequestBytes, maxResponseBytes, retryExpression }];
  },
  errors(reading) {
    const { spec, source } = reading;
    const ranges = rangesOf(reading, 'status', texts(spec['status']));
    const rewrites = Object.entries(fields(spec, 'statusRewrites')).map(([from, to]) => ({
      from: rangesOf(reading, 'statusRewrites', [from])?.[0],
      to: integer(to),
    }));
    if (ranges === undefined) return undefined;
    const read = rewrites.flatMap(({ from, to }) => (from === undefined || to === undefined ? [] : [{ from, to }]));
    if (read.length < rewrites.length) return undefined;
    const wanted = fields(spec, 'service');
    const port = wanted['port'];
    const namespace = text(wanted['namespace']) || source.namespace;
    if (!mayRefer(reading.scope, reading.document, namespace)) return undefined;
    const made = backend(reading.scope, reading.document, {
      namespace,
      name: text(wanted['name']) ?? '',
      port: typeof port === 'string' || typeof port === 'number' ? port : undefined,
      weight: 1,
      scheme: text(wanted['scheme']),
      passHostHeader: flag(wanted['passHostHeader']),
      path: reading.at(['service', 'port']),
    });
    if (made === undefined) return undefined;
    return [
      { kind: 'errors', source, ranges, rewrites: read, service: made.service, query: text(spec['query']) ?? '' },
    ];
  },
  contentType: ({ spec, source }) =>
    flag(spec['autoDetect']) === false ? [] : [{ kind: 'content-type', source, detect: true }],
};

/** `404`, `500-599`. */
function rangesOf(reading: Reading, field: string, texts: readonly string[]): StatusRange[] | undefined {
  const ranges: StatusRange[] = [];
  for (const text of texts) {
    const [low = '', high = low] = text.split('-');
    if (!/^[+-]?\d{1,9}$/.test(low) || !/^[+-]?\d{1,9}$/.test(high))
      return reading.refuse([field], `${JSON.stringify(text)} is neither a status nor a range of them`);
    ranges.push([Number(low), Number(high)]);
  }
  return ranges;
}
