/**
 * What crosses a process boundary: a value or a described failure, never an exception.
 *
 * `code` is stable and documented in the catalogue of the folder that made it (`errors.ts`); `message` says what
 * happened and to what; `hint` says what to do next; `detail` may hold the words of another program, to be copied.
 */
export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: Failure };

export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly detail?: string | undefined;
}

export function ok<T>(value: T): Result<T> {
  return { ok: true, value };
}

export function fail(code: string, message: string, more: { hint?: string; detail?: string } = {}): Result<never> {
  return { ok: false, error: { code, message, ...more } };
}

/** For the `default` of an exhaustive `switch`: a new case that was forgotten becomes a type error here. */
export function assertNever(value: never): never {
  throw new Error(`unexpected value ${JSON.stringify(value)}`);
}
