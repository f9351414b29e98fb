import type { Structural } from './structural.ts';

/** Shorthand for the schemas that are written by hand here. */
export const string = (description: string, more: Structural = {}): Structural => ({
  description,
  type: 'string',
  ...more,
});
export const integer = (description: string, more: Structural = {}): Structural => ({
  description,
  type: 'integer',
  ...more,
});
export const boolean = (description: string): Structural => ({ description, type: 'boolean' });
export const list = (description: string, items: Structural, more: Structural = {}): Structural => ({
  description,
  type: 'array',
  items,
  ...more,
});
export const strings = (description: string): Structural => list(description, { type: 'string' });
export const stringMap = (description: string): Structural => ({
  description,
  type: 'object',
  additionalProperties: { type: 'string' },
});
export const object = (
  description: string,
  properties: Readonly<Record<string, Structural>>,
  more: Structural = {},
): Structural => ({ description, type: 'object', properties, ...more });
/** Fields that are not described here are allowed: the real schema has more. */
export const open: Structural = { 'x-kubernetes-preserve-unknown-fields': true };
export const intOrString = (description: string): Structural => ({ description, 'x-kubernetes-int-or-string': true });
/** Any object. */
export const anything = (description: string): Structural => ({ description, type: 'object', ...open });
