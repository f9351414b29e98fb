import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const HEADERS = join(dirname(fileURLToPath(import.meta.resolve('node-api-headers'))), 'include');

/** Compiles a source of this folder with the C compiler of the machine (`$CC`, else `cc`) into a folder: its path there. */
export async function compileAddon(name: 'batches', into: string): Promise<string> {
  return compile(`${name}.c`, join(into, `${name}.node`), ['-shared', '-fPIC', `-I${HEADERS}`]);
}

/** The same for a program. */
export async function compileProgram(name: 'splice', into: string): Promise<string> {
  return compile(`${name}.c`, join(into, name), []);
}

async function compile(source: string, target: string, options: readonly string[]): Promise<string> {
  await run(process.env['CC'] ?? 'cc', ['-O2', ...options, join(import.meta.dirname, source), '-o', target]);
  return target;
}
