import { parseFile } from '../../shared/manifests/parse.ts';
import { bundledSchemas } from '../../shared/manifests/schema/schema-set.ts';
import type { Diagnostic } from '../../shared/manifests/types.ts';
import { validateDocument } from '../../shared/manifests/validate/validate.ts';
import type { Answer } from './ask-server.ts';

/** Our errors on a manifest. */
export function oursOn(text: string): Diagnostic[] {
  const { documents, diagnostics } = parseFile({ path: 'a.yaml', text }, 'default');
  const checked = documents.flatMap((document) => validateDocument(document, bundledSchemas()));
  return [...diagnostics, ...checked].filter(({ severity }) => severity === 'error');
}

/** What differs for a reason. */
export const EXPLAINED: readonly { readonly reason: string; readonly holds: (manifest: string, found: string) => boolean }[] = [
  {
    reason: 'a list where a text with a format is wanted passes the schema of the server, and its rules stumble over it',
    holds: (manifest, found) => /"(period|ttl|refreshInterval)": \[/.test(manifest) && found.includes('FieldValueTypeInvalid'),
  },
  {
    reason: 'numbers beyond 53 bits are shown rounded',
    holds: (manifest, found) => manifest.includes('9223372036854775807') && found.startsWith('in other words'),
  },
]; // prettier-ignore

/** How our errors differ from the server's answer in verdict, types, paths and words; nothing when they agree. */
export function difference(all: readonly Diagnostic[], given: Answer): string | undefined {
  // The hub takes labels (63 characters, no dots) as names, the API server subdomains: we refuse more, and in other words.
  const isName = ({
    type,
    path,
  }: {
    readonly type?: string | undefined;
    readonly path?: string | undefined;
  }): boolean => type === 'FieldValueInvalid' && path === 'metadata.name';
  if (given.causes.some(isName) && !all.some(isName)) return 'only the server refuses the name';
  const ours = all.filter((one) => !isName(one));
  const answer = { ...given, causes: given.causes.filter((one) => !isName(one)) };
  if (given.causes.length > 0 && answer.causes.length === 0 && ours.length === 0) return undefined;

  if (answer.accepted) return ours.length === 0 ? undefined : `only we refuse: ${ours.map(line).join('; ')}`;
  if (ours.length === 0) return `only the server refuses: ${answer.message}`;
  if (answer.decoding.length > 0) {
    // The server stops at decoding; we go on to the schema.
    const unknown = ours
      .filter(({ code }) => code === 'unknown-field')
      .map(({ message }) => message.replace('strict decoding error: ', ''));
    return same(unknown, answer.decoding);
  }
  // Decoding into Go's types stops at the first field that does not fit, and names it as Go does.
  if (answer.causes.length === 0) return undefined;
  const skipped = answer.causes.some(({ message }) => message.includes('some validation rules were not checked'));
  // The server evaluates no rule of an object of which one field has the wrong shape; we pass over that field only.
  const counted = skipped ? ours.filter(({ code }) => code !== 'cel') : ours;
  const causes = withPaths(
    answer.causes.filter(({ message }) => !message.includes('some validation rules were not checked')),
  );
  const places = same(
    counted.map(({ type, path }) => `${type ?? ''} ${path ?? ''}`),
    causes.map(({ type, path }) => `${type} ${path}`),
  );
  if (places !== undefined) return places;
  const words = new Set(causes.map(({ type, path, message }) => `${type} ${path}: ${go(message)}`));
  const other = counted.map(line).filter((one) => !words.has(one));
  return other.length === 0 ? undefined : `in other words, we: ${other.join('; ')} | server: ${[...words].join('; ')}`;
}

/**
 * Some causes have no path, and name the field in their words. They are left out where the same field has a cause with a
 * path: the server checks ranges of numbers in a second pass, and repeats there what the first one has found.
 */
function withPaths(causes: Answer['causes']): Answer['causes'] {
  const known = new Set(causes.map(({ path }) => path));
  return causes.flatMap((cause) => {
    if (cause.path !== '<nil>') return [cause];
    const field =
      / in ([^ ]+)$/.exec(cause.message)?.[1] ?? /^Invalid value: "": "([^"]+)" must/.exec(cause.message)?.[1];
    return field === undefined || known.has(field) ? [] : [{ ...cause, path: field }];
  });
}

function same(ours: readonly string[], theirs: readonly string[]): string | undefined {
  const ourSet = new Set(ours);
  const theirSet = new Set(theirs);
  const onlyOurs = [...ourSet].filter((one) => !theirSet.has(one));
  const onlyTheirs = [...theirSet].filter((one) => !ourSet.has(one));
  if (onlyOurs.length === 0 && onlyTheirs.length === 0) return undefined;
  return `we: ${onlyOurs.join('; ') || '-'} | server: ${onlyTheirs.join('; ') || '-'}`;
}

function line({ type, path, message }: Diagnostic): string {
  return `${type ?? ''} ${path ?? ''}: ${message}`;
}

/** Go writes control characters as \x01, JSON as \u0001. */
function go(message: string): string {
  return message.replaceAll(/\\x(..)/g, String.raw`\u00$1`);
}
