import type { Failure } from '../shared/result/result.ts';

/** Exit codes of every command. */
export const EXIT = {
  ok: 0,
  /** What was asked for was done and found something wrong (diagnostics, a failed check). */
  found: 1,
  /** Wrong use: unknown option, missing argument, a path that does not exist. */
  usage: 2,
  /** It could not be done: a port in use, a part that does not start. */
  failed: 3,
} as const;

/** A failure to be told on standard error, without a stack. */
export class CommandFailed extends Error {
  readonly code: string;
  readonly hint: string | undefined;
  readonly exitCode: number;
  constructor(failure: Failure, exitCode: number = EXIT.failed) {
    super(failure.message);
    this.code = failure.code;
    this.hint = failure.hint;
    this.exitCode = exitCode;
  }
}

/** Says what went wrong in one or two lines, or as one JSON object, and sets the exit code. */
export function tellFailure(error: unknown, json: boolean): void {
  const failed = describe(error);
  process.exitCode = failed.exitCode;
  if (json) {
    process.stdout.write(
      `${JSON.stringify({ event: 'failed', code: failed.code, message: failed.message, hint: failed.hint })}\n`,
    );
    return;
  }
  process.stderr.write(`adit: ${failed.message}\n`);
  if (failed.hint) process.stderr.write(`      ${failed.hint}\n`);
}

function describe(error: unknown): { code: string; message: string; hint: string | undefined; exitCode: number } {
  if (error instanceof CommandFailed) return error;
  if (error instanceof Error) {
    const code = 'code' in error && typeof error.code === 'string' ? error.code : 'internal';
    const hint = 'hint' in error && typeof error.hint === 'string' ? error.hint : hintFor(code);
    return { code, message: error.message, hint, exitCode: EXIT.failed };
  }
  return { code: 'internal', message: String(error), hint: undefined, exitCode: EXIT.failed };
}

function hintFor(code: string): string | undefined {
  if (code === 'EADDRINUSE') return 'another program listens there: choose another port, or 0 for any free one';
  if (code === 'EACCES') return 'this user may not do that: choose a port above 1023, or check the permissions';
  return undefined;
}
