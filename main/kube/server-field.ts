import { isFields } from '../../shared/manifests/field.ts';
import type { FieldPath } from '../../shared/manifests/field-path.ts';
import { equalScalars } from './scalar.ts';

/**
 * Segments of a field as the API server writes it: `spec.ports[0].port`, `metadata.labels[app.kubernetes.io/name]`,
 * `metadata.annotations["a/b"]`, and of an apply conflict `.spec.ports[port=80,protocol="TCP"].name`, whose keys are
 * looked up in `value`. Stops at what it cannot read, so that the nearest field above is found.
 */
export function parseServerField(field: string, value: unknown): FieldPath {
  const path: (string | number)[] = [];
  let at = value;
  const step = (segment: string | number) => {
    path.push(segment);
    if (Array.isArray(at)) at = typeof segment === 'number' ? at[segment] : undefined;
    else at = isFields(at) && Object.hasOwn(at, segment) ? at[segment] : undefined;
  };
  let rest = field;
  while (rest !== '') {
    const bracket = /^\[((?:"(?:[^"\\]|\\.)*"|[^\]"])*)\]/.exec(rest);
    if (bracket) {
      const segment = bracketSegment(bracket[1] ?? '', at);
      if (segment === undefined) break;
      step(segment);
      rest = rest.slice(bracket[0].length);
      continue;
    }
    rest = rest.replace(/^\./, '');
    const word = wordAt(rest, at);
    if (word === '') break;
    step(word);
    rest = rest.slice(word.length);
  }
  return path;
}

/** A key may itself hold dots (`.metadata.labels.app.kubernetes.io/name`): the longest key that is there wins. */
function wordAt(rest: string, at: unknown): string {
  const keys = isFields(at) ? Object.keys(at) : [];
  const known = keys.filter((key) => rest.startsWith(key) && /^$|^[.[]/.test(rest.slice(key.length)));
  const longest = known.reduce((best, key) => (key.length > best.length ? key : best), '');
  return longest === '' ? (/^[^.[\]]*/.exec(rest)?.[0] ?? '') : longest;
}

function bracketSegment(text: string, at: unknown): string | number | undefined {
  if (/^\d+$/.test(text)) return Number(text);
  const quoted = /^"((?:[^"\\]|\\.)*)"$/.exec(text);
  if (quoted) return (quoted[1] ?? '').replaceAll(/\\(.)/g, '$1');
  const keys = [...text.matchAll(/([\w.-]+)=("(?:[^"\\]|\\.)*"|[^,]*)(?:,|$)/g)].map(([, name = '', raw = '']) => ({
    name,
    raw,
  }));
  if (keys.length === 0) return text;
  if (!Array.isArray(at)) return undefined;
  const index = at.findIndex(
    (item) =>
      isFields(item) &&
      keys.every(
        ({ name, raw }) => item[name] === undefined || equalScalars(item[name], raw.replaceAll(/^"|"$/g, ''), []),
      ),
  );
  return index < 0 ? undefined : index;
}

/** Fields that a message names where the server gives no list of causes (strict decoding, typed conversion). */
export function fieldsInMessage(message: string): string[] {
  const unknown = [...message.matchAll(/(?:unknown|duplicate) field "((?:[^"\\]|\\.)*)"/g)].map(
    (match) => match[1] ?? '',
  );
  const typed = [...message.matchAll(/(?:^|\s)(\.(?:[^\s:[]|\[[^\]]*\]|:(?!\s))+): /g)].map((match) => match[1] ?? '');
  return [...unknown, ...typed];
}
