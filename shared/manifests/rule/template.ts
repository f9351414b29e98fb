/** What a part stands for that has no pattern of its own. */
const DEFAULT_PATTERN = { host: '[^.]+', path: '[^/]+', 'path-prefix': '[^/]+', query: '.*' } as const;

export interface Template {
  /** Of the whole. */
  readonly pattern: string;
  readonly variables: readonly { readonly name: string; readonly pattern: string }[];
}

/**
 * The regular expression of a template of Traefik v2, such as `/users/{id:[0-9]+}`: text with named parts in braces, each
 * with a pattern or without. All but a path's prefix must fit from the beginning to the end.
 */
export function templatePattern(
  template: string,
  what: keyof typeof DEFAULT_PATTERN,
): Template | { readonly problem: string } {
  const braces = braceRanges(template);
  if (braces === undefined) return { problem: `unbalanced braces in "${template}"` };
  let pattern = what === 'host' ? '(?i)^' : '^';
  const variables: Template['variables'][number][] = [];
  let end = 0;
  for (const [from, to] of braces) {
    const part = template.slice(from + 1, to - 1);
    const colon = part.indexOf(':');
    const name = colon < 0 ? part : part.slice(0, colon);
    const own = colon < 0 ? DEFAULT_PATTERN[what] : part.slice(colon + 1);
    if (name === '' || own === '') return { problem: `missing name or pattern in "${template.slice(from, to)}"` };
    pattern += `${quoteMeta(template.slice(end, from))}(${own})`;
    variables.push({ name, pattern: own });
    end = to;
  }
  pattern += quoteMeta(template.slice(end));
  if (what === 'query' && template.endsWith('=') && template.indexOf('=') === template.length - 1)
    pattern += DEFAULT_PATTERN.query;
  return { pattern: what === 'path-prefix' ? pattern : `${pattern}$`, variables };
}

/** A text as the pattern that fits it alone: Go's `regexp.QuoteMeta`. */
export function quoteMeta(text: string): string {
  return text.replaceAll(/[\\.+*?()|[\]{}^$]/g, '\\$&');
}

/** First-level braces, the ends exclusive. */
function braceRanges(text: string): (readonly [number, number])[] | undefined {
  const ranges: (readonly [number, number])[] = [];
  let level = 0;
  let open = 0;
  for (let index = 0; index < text.length; index += 1) {
    if (text[index] === '{') {
      level += 1;
      if (level === 1) open = index;
    } else if (text[index] === '}') {
      level -= 1;
      if (level === 0) ranges.push([open, index + 1]);
      else if (level < 0) return undefined;
    }
  }
  return level === 0 ? ranges : undefined;
}
