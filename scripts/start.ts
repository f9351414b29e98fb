import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isBuilt } from './source-digest.ts';

/**
 * `npm start`: builds what is missing or stale, then runs the application on a copy of the sample workspace.
 * `npm start -- --headless [--json] [DIR|URL]` is `adit up --preview DIR|URL`.
 */
const root = join(import.meta.dirname, '..');
const PARENT_CHECK_MS = 500;

// npm that is killed cannot pass that on; without it nothing here is wanted any more.
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGTERM');
}, PARENT_CHECK_MS).unref();

if (!(await isBuilt())) {
  process.stderr.write('building …\n');
  const { buildAll } = await import('./build.ts');
  await buildAll();
}
const args = process.argv.slice(2);
const electron = electronBinary();
if (electron !== undefined && args.length === 0) {
  const desktop = spawn(electron, [root], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => desktop.kill(signal));
  desktop.on('exit', (code) => process.exit(code ?? 1));
} else {
  const program = join(root, 'dist/adit.js');
  process.argv = [process.execPath, program, ...commandLine(args)];
  await import(pathToFileURL(program).href);
}

/** Electron's package fetches its binary on first use; `path.txt` is there once it has. */
function electronBinary(): string | undefined {
  const folder = join(root, 'node_modules/electron');
  if (!existsSync(join(folder, 'path.txt'))) return undefined;
  const binary = join(folder, 'dist', readFileSync(join(folder, 'path.txt'), 'utf8').trim());
  const display =
    process.platform !== 'linux' ||
    process.env['DISPLAY'] !== undefined ||
    process.env['WAYLAND_DISPLAY'] !== undefined;
  return existsSync(binary) && display ? binary : undefined;
}

function commandLine(args: string[]): string[] {
  const targets = args.filter((arg) => !arg.startsWith('-'));
  const flags = args.filter((arg) => arg.startsWith('-') && arg !== '--headless');
  if (!args.includes('--headless')) return ['app', ...(args.length > 0 ? args : ['--sample'])];
  return ['up', '--preview', targets[0] ?? join(root, 'examples/petstore'), ...flags];
}
