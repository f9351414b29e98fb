import { fields, items, isFields } from '../field.ts';
import type { FieldPath } from '../field-path.ts';
import { nameProblems } from './name-check.ts';
import type { Misfit } from './schema-check.ts';
import { shown } from './value-words.ts';

const NAME = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const NAME_WORDS =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const LABEL_WORDS =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const MAX_PART = 63;
/** apimachinery's `TotalAnnotationSizeLimitB`. */
const MAX_ANNOTATIONS_BYTES = 256 * 1024;

/** What the API server refuses of labels, annotations and finalizers (apimachinery, `api/validation/objectmeta.go`). */
export function metadataCheck(value: unknown): Misfit[] {
  const metadata = fields(value, 'metadata');
  const misfits: Misfit[] = [];
  const invalid = (path: FieldPath, what: string, words: string): void =>
    void misfits.push({ type: 'FieldValueInvalid', path, message: `Invalid value: ${shown(what)}: ${words}` });

  for (const [key, label] of Object.entries(fields(metadata, 'labels'))) {
    const path = ['metadata', 'labels'];
    for (const words of qualifiedName(key)) invalid(path, key, words);
    if (typeof label !== 'string') continue;
    if (label.length > MAX_PART) invalid(path, label, `must be no more than ${MAX_PART} bytes`);
    else if (!LABEL.test(label)) invalid(path, label, LABEL_WORDS);
  }
  const annotations = metadata['annotations'];
  if (isFields(annotations)) {
    let bytes = 0;
    for (const [key, text] of Object.entries(annotations)) {
      for (const words of qualifiedName(key.toLowerCase())) invalid(['metadata', 'annotations'], key, words);
      bytes += Buffer.byteLength(key) + (typeof text === 'string' ? Buffer.byteLength(text) : 0);
    }
    if (bytes > MAX_ANNOTATIONS_BYTES)
      misfits.push({
        type: 'FieldValueTooLong',
        path: ['metadata', 'annotations'],
        message: `Too long: may not be more than ${MAX_ANNOTATIONS_BYTES} bytes`,
      });
  }
  for (const finalizer of items(metadata['finalizers']))
    if (typeof finalizer === 'string')
      for (const words of qualifiedName(finalizer)) invalid(['metadata', 'finalizers'], finalizer, words);
  return misfits;
}

/** `NAME` or `PREFIX/NAME`, as keys of labels are (apimachinery, `IsQualifiedName`). */
function qualifiedName(key: string): string[] {
  const parts = key.split('/');
  if (parts.length > 2)
    return [
      `a valid label key ${NAME_WORDS} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  const problems: string[] = [];
  const name = parts.at(-1) ?? '';
  const prefix = parts.length === 2 ? parts[0] : undefined;
  if (prefix === '') problems.push('prefix part must be non-empty');
  else if (prefix !== undefined)
    problems.push(...nameProblems(prefix, 'subdomain').map((words) => `prefix part ${words}`));
  if (name === '') problems.push('name part must be non-empty');
  else if (name.length > MAX_PART) problems.push(`name part must be no more than ${MAX_PART} bytes`);
  if (!NAME.test(name.slice(0, 300))) problems.push(`name part ${NAME_WORDS}`);
  return problems;
}
