import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { folderOf } from './testing/run-cli.ts';

const main = join(import.meta.dirname, 'main.ts');

it('ends quietly when its reader has had enough', async () => {
  // The pipe has no reader any more when the program, which takes longer to start, writes to it.
  const script = 'set -o pipefail; "$0" "$1" --help | true';
  const { stdout, stderr } = await promisify(execFile)('bash', ['-c', script, process.execPath, main]);
  expect([stdout, stderr]).toEqual(['', '']);
}, 60_000);

it('says what it found to who asks for its exit code, however much is read of it', async () => {
  using folder = folderOf({ 'a.yaml': 'kind: [' });
  const script = 'set -o pipefail; "$0" "$1" validate "$2" | true; echo $?';
  const { stdout } = await promisify(execFile)('bash', ['-c', script, process.execPath, main, folder.dir]);
  expect(stdout).toBe('1\n');
}, 60_000);

it.runIf(process.platform === 'linux')(
  'has failed when its output could not be written',
  async () => {
    using folder = folderOf({});
    const script = '"$0" "$1" validate --json "$2" > /dev/full; echo $?';
    const { stdout, stderr } = await promisify(execFile)('bash', ['-c', script, process.execPath, main, folder.dir]);
    expect(stdout).toBe('3\n');
    expect(stderr).toMatch(/^adit: standard output: ENOSPC.*\n$/);
  },
  60_000,
);
