import type { RE2JS } from 're2js';

let engine: typeof RE2JS | undefined;

/** To be awaited before a configuration with regular expressions is compiled; an agent that meets none saves 2 MiB. */
export async function loadRe2(): Promise<void> {
  engine ??= (await import('re2js')).RE2JS;
}

/** Throws RE2JSSyntaxException for a pattern that RE2 does not know; the compiler of manifests has refused those. */
export function re2(pattern: string): RE2JS {
  if (engine === undefined) throw new Error('regular expressions are compiled before loadRe2()');
  return engine.compile(pattern);
}
