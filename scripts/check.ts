import { spawnSync } from 'node:child_process';
import { delimiter, join } from 'node:path';

/** Types, lint, format, layers and cycles, dead code. Every step runs, so that one run tells everything. */
const steps: { name: string; command: string; args: string[]; verify?: (output: string) => string | undefined }[] = [
  { name: 'types', command: 'tsc', args: ['-p', 'tsconfig.json'] },
  { name: 'types of the interface', command: 'tsc', args: ['-p', 'renderer/tsconfig.json'] },
  { name: 'lint', command: 'oxlint', args: ['--deny-warnings'] },
  { name: 'format', command: 'oxfmt', args: ['--check', '.'] },
  {
    name: 'layers and cycles',
    command: 'depcruise',
    args: ['--config', '.dependency-cruiser.cjs', 'shared', 'agent', 'broker', 'control', 'main', 'renderer', 'cli'],
    verify: (output) => {
      const modules = Number(/\((\d+) modules/.exec(output)?.[1] ?? 0);
      return modules > 50 ? undefined : `only ${modules} modules were looked at`;
    },
  },
  { name: 'dead code', command: 'knip', args: [] },
];

const root = join(import.meta.dirname, '..');
// As npm does: the tools are those of the checkout, however this was started.
const env = { ...process.env, PATH: [join(root, 'node_modules/.bin'), process.env['PATH'] ?? ''].join(delimiter) };

let failed = 0;
for (const step of steps) {
  const started = performance.now();
  const run = spawnSync(step.command, step.args, {
    cwd: root,
    env,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  const output = `${run.stdout}${run.stderr}`;
  const complaint =
    run.status === 0
      ? step.verify?.(output)
      : output.trim() || `${step.command} ended with ${run.status ?? run.error?.message}`;
  if (complaint !== undefined) {
    failed++;
    console.log(`✗ ${step.name}\n${complaint}\n`);
  } else {
    console.log(`✓ ${step.name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  }
}
process.exitCode = failed === 0 ? 0 : 1;
