import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';

/**
 * `npm run bench -- NAME [FLAG…]` runs `bench/NAME.ts` as a process of its own; `all` runs each in turn; without a name it
 * lists them. Every measurement prints a ratio against something real in the same run.
 */
const here = import.meta.dirname;
const NOT_MEASUREMENTS = new Set(['main', 'fuzz', 'soak']);
const names = readdirSync(here)
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  .map((file) => file.slice(0, -'.ts'.length))
  .filter((name) => !NOT_MEASUREMENTS.has(name) && !name.startsWith('fuzz-'));
const [name, ...flags] = process.argv.slice(2);

if (name === undefined || (name !== 'all' && !existsSync(join(here, `${name}.ts`)))) {
  console.error(`npm run bench -- NAME, with NAME one of: ${names.join(', ')}, all`);
  process.exitCode = 2;
} else {
  for (const one of name === 'all' ? names : [name]) {
    console.log(`── ${one}`);
    const run = spawnSync(process.execPath, [join(here, `${one}.ts`), ...flags], { stdio: 'inherit' });
    if (run.status !== 0) process.exitCode = run.status ?? 1;
  }
}
