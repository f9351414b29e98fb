import { RE2JS } from 're2js';

const MAX_PATTERN = 4_096;

/** Why a pattern is not a regular expression of Go (RE2), or undefined when it is one. */
export function regexProblem(pattern: string): string | undefined {
  if (pattern.length > MAX_PATTERN) return `the pattern is longer than ${MAX_PATTERN} characters`;
  try {
    RE2JS.compile(pattern);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
