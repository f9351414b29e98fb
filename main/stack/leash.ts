import { spawn } from 'node:child_process';

const KILL_AFTER_MS = 2_000;
/** SIGHUP comes when the terminal is closed: to this process, and not to the group that it would leave behind. */
const END = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/**
 * Runs a command of the user's so that it cannot outlive the application: the command gets a process group of its
 * own, and the group is ended when this process is asked to stop or its standard input ends (the parent is gone, even
 * by SIGKILL). Resolves to the exit code.
 */
export function runOnLeash(command: string, args: readonly string[], options: { shell: boolean }): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'inherit', 'inherit'],
      shell: options.shell,
      // On POSIX a new session makes a group that can be signalled whole.
      detached: process.platform !== 'win32',
    });
    let killTimer: NodeJS.Timeout | undefined;

    const signalGroup = (signal: NodeJS.Signals): void => {
      if (child.pid === undefined) return;
      try {
        if (process.platform === 'win32') child.kill(signal);
        else process.kill(-child.pid, signal);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    };
    const end = (): void => {
      if (killTimer) return;
      signalGroup('SIGTERM');
      killTimer = setTimeout(() => signalGroup('SIGKILL'), KILL_AFTER_MS);
    };

    for (const signal of END) process.on(signal, end);
    process.stdin.on('end', end).on('error', end).resume();
    child.once('error', (error) => {
      process.stderr.write(`error: ${command}: ${error.message}\n`);
      finish(127);
    });
    child.once('exit', (code, signal) => {
      // What the command itself started goes with it.
      signalGroup('SIGKILL');
      finish(code ?? (signal ? 128 : 1));
    });

    function finish(code: number): void {
      clearTimeout(killTimer);
      for (const signal of END) process.off(signal, end);
      process.stdin.off('end', end).off('error', end).pause();
      resolve(code);
    }
  });
}
