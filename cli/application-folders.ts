import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Root of the installation: the folder of `package.json`, above the bundle as above the sources. */
export function installationDir(): string {
  for (let dir = dirname(fileURLToPath(import.meta.url)); ; dir = dirname(dir)) {
    if (existsSync(join(dir, 'package.json'))) return dir;
    if (dirname(dir) === dir) throw new Error('the installation has no package.json');
  }
}

/** Where the application keeps its own things: `$ADIT_STATE_DIR`, else the system's usual folder for it. */
export function defaultStateDir(): string {
  const env = process.env;
  if (env['ADIT_STATE_DIR']) return env['ADIT_STATE_DIR'];
  if (process.platform === 'win32') return join(env['LOCALAPPDATA'] ?? join(homedir(), 'AppData', 'Local'), 'adit');
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'adit');
  return join(env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state'), 'adit');
}
