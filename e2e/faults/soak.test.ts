import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../support/running-stack.ts';

/** `npm run soak` has the long run. */
const MINUTES = process.env['CI'] === 'true' ? 2 : 0.75;

test('under mixed traffic and faults no process grows and nothing is left over', { timeout: 600_000 }, async () => {
  const child = spawn(process.execPath, [join(root, 'bench/soak.ts'), '--minutes', String(MINUTES)], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (said += data.toString()));
  await once(child, 'close');
  console.log(said);
  expect(child.exitCode, said).toBe(0);
});
