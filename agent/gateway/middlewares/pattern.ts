import { re2 } from '../re2.ts';

/** A regular expression of Go, with the replacement rules of its `regexp` package. */
export interface Pattern {
  test(text: string): boolean;
  /** The first match and where it begins. */
  find(text: string): { readonly text: string; readonly at: number } | undefined;
  /** Every match replaced; `$1`, `${1}` and `$name` in the template stand for groups, `$$` for a dollar sign. */
  replaceAll(text: string, template: string): string;
}

/** Throws as `re2` does. */
export function pattern(source: string): Pattern {
  const compiled = re2(source);
  const names = compiled.namedGroups();
  return {
    test: (text) => compiled.test(text),
    find(text) {
      const matcher = compiled.matcher(text);
      return matcher.find() ? { text: matcher.group() ?? '', at: matcher.start() } : undefined;
    },
    replaceAll(text, template) {
      const parts = readTemplate(template);
      const matcher = compiled.matcher(text);
      let out = '';
      let at = 0;
      while (matcher.find()) {
        out += text.slice(at, matcher.start());
        for (const part of parts) {
          if (typeof part === 'string') out += part;
          else {
            const index = /^\d+$/.test(part.group) ? Number(part.group) : names[part.group];
            if (index !== undefined && index <= matcher.groupCount()) out += matcher.group(index) ?? '';
          }
        }
        at = matcher.end();
      }
      return out + text.slice(at);
    },
  };
}

/** Go's `Regexp.Expand`: the longest run of letters, digits and `_` is the name. */
function readTemplate(template: string): (string | { readonly group: string })[] {
  const parts: (string | { readonly group: string })[] = [];
  const reference = /\$(?:\$|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/gu;
  let at = 0;
  for (const match of template.matchAll(reference)) {
    parts.push(template.slice(at, match.index));
    const group = match[1] ?? match[2];
    parts.push(group === undefined ? '$' : { group });
    at = match.index + match[0].length;
  }
  parts.push(template.slice(at));
  return parts;
}
