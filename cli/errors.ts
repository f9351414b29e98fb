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
    const listen = [error, error.cause].map(describeListen).find((one) => one !== undefined);
    if (listen !== undefined) return { ...listen, exitCode: EXIT.failed };
    const hint = 'hint' in error && typeof error.hint === 'string' ? error.hint : hintFor(code);
    return { code, message: error.message, hint, exitCode: EXIT.failed };
  }
  return { code: 'internal', message: String(error), hint: undefined, exitCode: EXIT.failed };
}

/** A listener that could not be opened, in one voice for every command (Node.js: `SystemError`). */
function describeListen(error: unknown): { code: string; message: string; hint: string } | undefined {
  if (!(error instanceof Error && 'syscall' in error && error.syscall === 'listen' && 'code' in error))
    return undefined;
  const at = 'address' in error && 'port' in error ? `${String(error.address)}:${String(error.port)}` : 'the address';
  switch (error.code) {
    case 'EADDRINUSE':
      return {
        code: 'address-in-use',
        message: `cannot listen on ${at}: another program listens there`,
        hint: 'choose another port, or 0 for any free one',
      };
    case 'EADDRNOTAVAIL':
      return {
        code: 'address-not-here',
        message: `cannot listen on ${at}: this machine does not have that address`,
        hint: 'use 127.0.0.1 for this machine only, or 0.0.0.0 for all of its addresses',
      };
    case 'EACCES':
      return {
        code: 'address-forbidden',
        message: `cannot listen on ${at}: this user may not`,
        hint: 'choose a port above 1023, or 0 for any free one',
      };
    default:
      return undefined;
  }
}

function hintFor(code: string): string | undefined {
  if (code === 'EACCES' || code === 'EPERM') return 'this user may not do that: check the permissions';
  return undefined;
}
