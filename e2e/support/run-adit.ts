import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { adit } from './running-stack.ts';

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Without the right of root to read everything; see `withoutRootsRights`. */
  readonly asAnybody?: boolean;
}

/** Runs the built `adit` to its end. */
export async function runAdit(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const command = [process.execPath, adit, ...args];
  const [program, ...rest] = options.asAnybody === true ? withoutRootsRights(command) : command;
  if (program === undefined) throw new Error('no program');
  const child = spawn(program, rest, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
  });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, err };
}

/**
 * Root passes every permission (capabilities(7): CAP_DAC_OVERRIDE). Where tests run as root, the command is run without
 * that right by util-linux' `setpriv`, as the same user: it can still read what this checkout holds.
 */
export function withoutRootsRights(command: readonly string[]): readonly string[] {
  if (process.getuid?.() !== 0) return command;
  const rights = '-dac_override,-dac_read_search';
  return ['setpriv', `--bounding-set=${rights}`, `--inh-caps=${rights}`, ...command];
}
