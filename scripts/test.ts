import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { isBuilt } from './source-digest.ts';

/**
 * `npm test`: installs what the tests need, builds, checks, and runs every test: units beside the sources, whole-product
 * tests, and the story in a real browser. `npm test -- unit` (check, e2e, browser) runs one part.
 */
const root = join(import.meta.dirname, '..');
const results = join(root, '.cache/results');
const path = [join(root, 'node_modules/.bin'), process.env['PATH'] ?? ''].join(delimiter);
const totals = { passed: 0, failed: 0, skipped: 0 };
const broken: string[] = [];

const parts: Record<string, () => void | Promise<void>> = {
  check: () => step('check', 'node', ['scripts/check.ts']),
  unit: () => vitest('unit', []),
  e2e: () => vitest('e2e', ['--config', 'e2e/vitest.config.ts']),
  browser: () => playwright(),
};
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in parts));
if (unknown.length > 0) {
  console.error(`unknown part ${unknown.join(', ')}; there are: ${Object.keys(parts).join(', ')}`);
  process.exit(2);
}

mkdirSync(results, { recursive: true });
installPrograms();
if (!(await isBuilt())) step('build', 'node', ['scripts/build.ts']);
for (const [name, run] of Object.entries(parts)) if (wanted.length === 0 || wanted.includes(name)) await run();

for (const name of broken) console.log(`✗ ${name}`);
console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exitCode = broken.length === 0 && totals.failed === 0 && totals.passed > 0 ? 0 : 1;

/** Debian's packages as root; elsewhere Playwright's own browser, and what needs the others says so. */
function installPrograms(): void {
  const needed: [program: string, packages: string[]][] = [
    ['chromium', ['chromium', 'fonts-dejavu-core']],
    ['nginx', ['nginx-light']],
    ['git', ['git']],
    ['slapd', ['slapd']],
    ['redis-server', ['redis-server']],
  ];
  const missing = needed.filter(([program]) => !onPath(program));
  if (missing.length === 0) return;
  if (process.getuid?.() === 0 && onPath('apt-get')) {
    step('apt-get update', 'apt-get', ['-qq', 'update']);
    step(
      'apt-get install',
      'apt-get',
      ['-qq', '-y', '--no-install-recommends', 'install', ...missing.flatMap(([, packages]) => packages)],
      {
        DEBIAN_FRONTEND: 'noninteractive',
      },
    );
  } else if (missing.some(([program]) => program === 'chromium')) {
    step('browser', 'playwright', ['install', 'chromium']);
  }
}

function onPath(program: string): boolean {
  return (
    (process.env['PATH'] ?? '').split(':').some((dir) => existsSync(join(dir, program))) ||
    existsSync(join('/usr/sbin', program))
  );
}

function step(name: string, command: string, args: string[], env: Record<string, string> = {}): void {
  console.log(`\n── ${name}`);
  const run = spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, PATH: path, ...env } });
  if (run.status !== 0) broken.push(`${name}: ${run.error?.message ?? `exit code ${run.status ?? run.signal}`}`);
}

function vitest(name: string, args: string[]): void {
  const output = join(results, `${name}.json`);
  rmSync(output, { force: true });
  step(name, 'vitest', ['run', ...args, '--reporter=default', '--reporter=json', `--outputFile.json=${output}`]);
  const report = readReport(output, name) as
    | { numPassedTests?: number; numFailedTests?: number; numPendingTests?: number }
    | undefined;
  totals.passed += report?.numPassedTests ?? 0;
  totals.failed += report?.numFailedTests ?? 0;
  totals.skipped += report?.numPendingTests ?? 0;
}

function playwright(): void {
  const output = join(results, 'browser.json');
  rmSync(output, { force: true });
  process.env['PLAYWRIGHT_JSON_OUTPUT_NAME'] = output;
  step('browser', 'playwright', ['test', '--config', 'e2e/playwright.config.ts', '--reporter=list,json']);
  const report = readReport(output, 'browser') as
    | { stats?: { expected: number; unexpected: number; flaky: number; skipped: number } }
    | undefined;
  totals.passed += report?.stats?.expected ?? 0;
  totals.failed += (report?.stats?.unexpected ?? 0) + (report?.stats?.flaky ?? 0);
  totals.skipped += report?.stats?.skipped ?? 0;
}

function readReport(path: string, name: string): unknown {
  if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8'));
  broken.push(`${name}: no report was written`);
  return undefined;
}
