import { spawn } from 'node:child_process';
import { AcmeError } from './errors.ts';

/** A program of the operator that writes and removes TXT records. */
export interface DnsHook {
  /** A path, or a name on the PATH. It is called without a shell, as `PROGRAM add|remove NAME VALUE`. */
  readonly program: string;
  /** It ends, with 0, once the authority can see the record. */
  readonly timeoutMs: number;
}

/** How much of what the program says is told: the last of it. */
const TOLD_CHARACTERS = 500;
/** How long they are waited for once it has ended. */
const LAST_WORDS_MS = 500;

/**
 * Calls the program. Rejects with `AcmeError` when it cannot be started, ends with anything but 0 or not in time, and
 * with the reason of the signal; it and what it started are killed then.
 */
export async function callDnsHook(
  { program, timeoutMs }: DnsHook,
  [action, name, value]: readonly ['add' | 'remove', string, string],
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const what = `${program} ${action} ${name}`;
  // A process group of its own, so that what the program waits for ends with it. It is told no secret of the broker.
  const child = spawn(program, [action, name, value], {
    detached: true,
    env: foreignEnvironment(),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-TOLD_CHARACTERS)));
  const given = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const end = Promise.withResolvers<string | undefined>();
  child.once('error', (error) => end.resolve(`cannot be started: ${error.message}`));
  child.once('exit', (code, by) => {
    if (code === 0) {
      end.resolve(undefined);
      return;
    }
    // Its last words may still be in the pipe, which what it started may hold open.
    const told = (): void => end.resolve(`ended with ${code ?? by}: ${said.trim() || 'it said nothing on stderr'}`);
    child.stderr.once('close', told);
    setTimeout(told, LAST_WORDS_MS).unref();
  });
  const onGivenUp = (): void => {
    killGroup(child.pid);
    end.resolve(`did not end within ${timeoutMs / 1000} s`);
  };
  given.addEventListener('abort', onGivenUp);
  const failure = await end.promise;
  given.removeEventListener('abort', onGivenUp);
  child.stderr.destroy();
  signal.throwIfAborted();
  if (failure !== undefined) throw new AcmeError(`${what} ${failure}`);
}

function foreignEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ADIT_')));
}

function killGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, 'SIGKILL');
  } catch (error) {
    // It ended a moment ago.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
