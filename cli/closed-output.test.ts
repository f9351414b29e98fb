import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const main = join(import.meta.dirname, 'main.ts');

it('ends quietly when its reader has had enough', async () => {
  // The pipe has no reader any more when the program, which takes longer to start, writes to it.
  const script = 'set -o pipefail; "$0" "$1" --help | true';
  const { stdout, stderr } = await promisify(execFile)('bash', ['-c', script, process.execPath, main]);
  expect([stdout, stderr]).toEqual(['', '']);
}, 60_000);
