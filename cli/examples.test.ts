import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { runCli } from './testing/run-cli.ts';

// Each run is a process that reads all of the sources.
vi.setConfig({ testTimeout: 90_000 });

const examples = join(import.meta.dirname, '../examples');

it.each(readdirSync(examples))('the example %s has no errors and no warnings of lint', async (name) => {
  const { out, code } = await runCli(join(examples, name), ['lint', '--json']);
  const { diagnostics } = JSON.parse(out) as { diagnostics: { severity: string }[] };
  expect(diagnostics.filter(({ severity }) => severity !== 'info')).toEqual([]);
  expect(code).toBe(0);
  const valid = await runCli(join(examples, name), ['validate', '.']);
  expect(valid.out).toMatch(/^0 errors/m);
  const graph = await runCli(join(examples, name), ['graph', '--json']);
  const { nodes } = JSON.parse(graph.out) as { nodes: { missing?: boolean }[] };
  expect(nodes.length).toBeGreaterThan(5);
  expect(nodes.filter(({ missing }) => missing === true)).toEqual([]);
});
