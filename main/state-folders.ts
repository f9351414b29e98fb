import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

/** Where the application keeps its own things: `$ADIT_STATE_DIR`, else the system's usual folder for it. */
export function defaultStateDir(): string {
  const env = process.env;
  if (env['ADIT_STATE_DIR']) return resolve(env['ADIT_STATE_DIR']);
  if (process.platform === 'win32') return join(env['LOCALAPPDATA'] || join(homedir(), 'AppData', 'Local'), 'adit');
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'adit');
  // XDG Base Directory Specification: a path that is empty or relative is as if there were none.
  const base = env['XDG_STATE_HOME'] ?? '';
  return join(isAbsolute(base) ? base : join(homedir(), '.local', 'state'), 'adit');
}

/** Of the development CA: one for all that a person runs, because trusting one is work. */
export function developmentCaDir(): string {
  return join(defaultStateDir(), 'development-ca');
}
