import { parseDuration } from './duration.ts';

const WORDS =
  /^\s*(\d{1,15})\s*(ns|nanos?(?:econds?)?|us|µs|micros?(?:econds?)?|ms|millis?(?:econds?)?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|wks?|weeks?)\s*$/i;

/** Kubernetes' `format: duration`: Go's durations, and a number with a word such as `3 days` (kube-openapi `strfmt`). */
export function isDuration(text: string): boolean {
  return durationText(text) !== undefined;
}

/** The same duration as Go writes it. */
export function durationText(text: string): string | undefined {
  if (parseDuration(text) !== undefined) return text;
  const match = text.length > 64 ? null : WORDS.exec(text);
  if (match === null) return undefined;
  const [, count = '', word = ''] = match;
  return goText(Number(count), word.toLowerCase());
}

function goText(count: number, word: string): string {
  if (word.startsWith('w')) return `${count * 168}h`;
  if (word.startsWith('d')) return `${count * 24}h`;
  if (word.startsWith('h')) return `${count}h`;
  if (word.startsWith('n')) return `${count}ns`;
  if (word.startsWith('s')) return `${count}s`;
  if (word.startsWith('u') || word.startsWith('µ') || word.startsWith('mic')) return `${count}us`;
  return word === 'ms' || word.startsWith('mil') ? `${count}ms` : `${count}m`;
}
