import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { folderOf, runCli } from '../testing/run-cli.ts';

test('what it prints for a shell goes from any folder', async () => {
  using folder = folderOf({});
  const { code, out } = await runCli(folder.dir, ['ca', '--folder', 'mine', '--json']);
  expect(code).toBe(0);
  const { file, steps } = JSON.parse(out) as { file: string; steps: { who: string; trust: string }[] };
  expect(file).toBe(join(realpathSync(folder.dir), 'mine', 'ca.pem'));
  expect(steps.find(({ who }) => who === 'Node')?.trust).toContain(file);
});
