import { parseDuration } from './duration.ts';

const WORDS =
  /^\s*\d+\s*(ns|nanos?(econds?)?|us|µs|micro(s(ec(onds?)?)?)?|ms|millis?(econds?)?|s|sec(onds?)?|m|min(utes?)?|h|hrs?|hours?|d|days?|w|wks?|weeks?)\s*$/i;

/** Kubernetes' `format: duration`: Go's durations, and a number with a word such as `3 days` (kube-openapi `strfmt`). */
export function isDuration(text: string): boolean {
  return parseDuration(text) !== undefined || (text.length <= 64 && WORDS.test(text));
}
