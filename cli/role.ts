import { readFile } from 'node:fs/promises';
import type { Logger } from 'pino';
import { CommandFailed, EXIT, tellFailure } from './errors.ts';
import { stderrLog } from './stderr-log.ts';

export interface RoleFlags {
  readonly json?: boolean | undefined;
  readonly leashed?: boolean | undefined;
  readonly logLevel?: string | undefined;
}

/** Something that serves until it is asked to stop. */
export interface RunningRole {
  /** `hurry`: whoever started it is gone, so that there is nobody to finish anything for. */
  close(how: { readonly hurry: boolean }): Promise<void>;
  /** It is ended hard when closing takes longer. */
  readonly closeWithinMs?: number;
}

const CLOSE_WITHIN_MS = 4_000;

/**
 * Runs a server of the product as this process: `start` makes it, SIGINT, SIGTERM and, with `--leashed`, the end of
 * standard input end it in order, and a second signal at once.
 */
export async function runRole(flags: RoleFlags, start: (log: Logger) => Promise<RunningRole>): Promise<void> {
  const log = stderrLog(flags.logLevel ?? 'info');
  // The parent that read the events is gone: what is left to do is to end in order.
  process.stdout.on('error', (error) => log.debug({ err: error }, 'standard output is closed'));
  let running: RunningRole;
  try {
    running = await start(log);
  } catch (error) {
    tellFailure(error, flags.json === true);
    return;
  }
  await new Promise<void>((resolve) => {
    let asked = false;
    const stop = (hurry: boolean): void => {
      if (asked) process.exit(1);
      asked = true;
      const late = setTimeout(
        () => process.exit(0),
        hurry ? CLOSE_WITHIN_MS : (running.closeWithinMs ?? CLOSE_WITHIN_MS),
      );
      late.unref();
      running.close({ hurry }).then(resolve, (error: unknown) => {
        log.error({ err: error }, 'did not close in order');
        resolve();
      });
    };
    process.on('SIGINT', () => stop(false));
    process.on('SIGTERM', () => stop(false));
    const unleash = (): void => {
      if (!asked) stop(true);
    };
    if (flags.leashed) process.stdin.once('end', unleash).once('error', unleash).resume();
  });
  // What a dependency still holds open must not keep the process.
  process.exit();
}

/** Prints one JSON line on standard output. */
export function printLine(line: unknown): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** Text of a file named by an option. */
export async function optionFile(option: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new CommandFailed(
      { code: 'file-unreadable', message: `${option} ${path}: ${(error as Error).message}` },
      EXIT.usage,
    );
  }
}

/** A secret from the environment: it never stands on a command line, which every user of the machine can read. */
export function secretFromEnvironment(name: string): string | undefined {
  const value = process.env[name];
  return value === undefined || value === '' ? undefined : value;
}
