import { Buffer } from 'node:buffer';
import { fields, text } from '../field.ts';
import type { ManifestDocument } from '../types.ts';

/** The value under the first of the keys that a Secret has, decoded; `stringData` comes before `data`, as on the server. */
export function secretValue(secret: ManifestDocument, keys: readonly string[]): string | undefined {
  const plain = fields(secret.value, 'stringData');
  const encoded = fields(secret.value, 'data');
  for (const key of keys) {
    const value = text(plain[key]);
    if (value !== undefined) return value;
    const base64 = text(encoded[key]);
    if (base64 !== undefined) return Buffer.from(base64, 'base64').toString('utf8');
  }
  return undefined;
}

/** The keys of a Secret, for hints. */
export function secretKeys(secret: ManifestDocument): string[] {
  return [
    ...new Set([...Object.keys(fields(secret.value, 'stringData')), ...Object.keys(fields(secret.value, 'data'))]),
  ];
}
