import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const HEADERS = join(dirname(fileURLToPath(import.meta.resolve('node-api-headers'))), 'include');

/** Compiles `batches.c` with the C compiler of the machine (`$CC`, else `cc`) into a folder: path of the addon. */
export async function buildBatches(into: string): Promise<string> {
  const addon = join(into, 'batches.node');
  const source = join(import.meta.dirname, 'batches.c');
  await run(process.env['CC'] ?? 'cc', ['-O2', '-shared', '-fPIC', `-I${HEADERS}`, source, '-o', addon]);
  return addon;
}
