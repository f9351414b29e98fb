import type { Encoding } from '../../../shared/gateway/middleware.ts';

/**
 * The encoding for an answer, as Traefik chooses it; undefined: none. By weight, then `*`, then the order of the
 * configuration, `identity` last.
 */
export function chooseEncoding(
  lines: readonly string[],
  encodings: readonly Encoding[],
  whenAny: Encoding | undefined,
): Encoding | undefined {
  const rank = new Map<string, number>([['*', -1], ['identity', encodings.length]]); // prettier-ignore
  for (const [at, encoding] of encodings.entries()) rank.set(encoding, at);
  const wanted = lines
    .flatMap((line) => line.replaceAll(' ', '').split(','))
    .flatMap((item) => {
      const [name = ''] = item.split(';', 1);
      const parameter = item.slice(item.indexOf(';') + 1);
      const known = rank.get(name);
      const weight = item.includes(';') && parameter.startsWith('q=') ? Number(parameter.slice(2)) || 0 : 1;
      return known === undefined || weight === 0 ? [] : [{ name, weight, rank: known }];
    });
  const [best] = wanted.toSorted((a, b) => b.weight - a.weight || a.rank - b.rank);
  if (best === undefined) return undefined;
  if (best.name === '*') return whenAny ?? encodings[0];
  return encodings.find((encoding) => encoding === best.name);
}

/** Whether the first line names gzip itself: what is chosen because of `*` is not written as gzip. */
export function namesGzip(line: string | undefined): boolean {
  for (const item of (line ?? '').split(',')) {
    const [name = '', ...parameters] = item.split(';').map((part) => part.trim());
    if (name.toLowerCase() !== 'gzip') continue;
    const weight = parameters.at(-1)?.startsWith('q=') === true ? Number(parameters.at(-1)?.slice(2)) : 1;
    return weight > 0;
  }
  return false;
}
