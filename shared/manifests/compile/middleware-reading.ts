import type { MiddlewareConfig } from '../../gateway/config.ts';
import { parseDuration } from '../duration.ts';
import { fields, type Fields } from '../field.ts';
import type { FieldPath } from '../field-path.ts';
import { regexProblem } from '../regex.ts';
import type { ManifestDocument, ObjectRef } from '../types.ts';
import { notEnforced, say, type Scope } from './scope.ts';

/** Reads one type of Middleware; undefined when Traefik makes nothing of it, and serves no route that names it. */
export type Reader = (reading: Reading) => readonly MiddlewareConfig[] | undefined;

/** The options of one type in a Middleware object, and where what is wrong with them is told. */
export class Reading {
  readonly scope: Scope;
  readonly document: ManifestDocument;
  readonly type: string;
  readonly spec: Fields;

  constructor(scope: Scope, document: ManifestDocument, type: string) {
    this.scope = scope;
    this.document = document;
    this.type = type;
    this.spec = fields(document.value, 'spec', type);
  }

  get source(): ObjectRef {
    return this.document.ref;
  }

  /** Traefik refuses the object: nothing that names it is served. */
  refuse(field: FieldPath, message: string, hint?: string): undefined {
    const text = `${message}: routes that name this Middleware are not served`;
    say(this.scope, this.document, 'middleware-invalid', this.at(field), text, { hint });
  }

  leftOut(field: FieldPath, why: string, severity: 'info' | 'warning' = 'warning'): void {
    notEnforced(this.scope, this.document, this.at(field), why, severity);
  }

  /** Says that a pattern is none of RE2. */
  badPattern(field: FieldPath, source: string): boolean {
    const problem = regexProblem(source);
    if (problem === undefined) return false;
    say(this.scope, this.document, 'regex-invalid', this.at(field), problem);
    return true;
  }

  /**
   * Milliseconds of a duration as Traefik reads it: text of Go, or a number of seconds. Undefined, and said, when it is
   * neither.
   */
  duration(field: string, absentMs: number): number | undefined {
    const value = this.spec[field];
    if (value === undefined || value === null) return absentMs;
    if (typeof value === 'number' && Number.isSafeInteger(value)) return value * 1000;
    const written = typeof value === 'string' ? value : '';
    if (/^[+-]?\d+$/.test(written)) return Number(written) * 1000;
    const ns = parseDuration(written);
    if (ns !== undefined) return Number(ns) / 1e6;
    return this.refuse([field], `${JSON.stringify(value)} is not a duration`, 'Write it as 10s or 1m30s.');
  }

  at(field: FieldPath): FieldPath {
    return ['spec', this.type, ...field];
  }
}
