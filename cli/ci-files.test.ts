import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { folderOf, runCli } from './testing/run-cli.ts';

// Each run is a process that reads all of the sources.
vi.setConfig({ testTimeout: 90_000 });

const root = join(import.meta.dirname, '..');
const read = (file: string): unknown => parse(readFileSync(join(root, file), 'utf8'), { strict: true });

/** What GitHub demands of a composite action ("Metadata syntax for GitHub Actions"), and what we demand of ours. */
const action = z.strictObject({
  name: z.string(),
  description: z.string(),
  inputs: z.record(z.string(), z.strictObject({ description: z.string(), default: z.string() })),
  outputs: z.record(z.string(), z.strictObject({ description: z.string(), value: z.string() })),
  runs: z.strictObject({
    using: z.literal('composite'),
    steps: z.array(
      z.strictObject({
        id: z.string(),
        if: z.string().optional(),
        shell: z.literal('bash'),
        env: z.record(z.string(), z.string()),
        run: z.string(),
      }),
    ),
  }),
});

it('the action is one that GitHub takes, its scripts are Bash, and nothing from outside is pasted into them', () => {
  const { inputs, outputs, runs } = action.parse(read('action.yml'));
  for (const { env, run } of runs.steps) {
    expect(run).not.toContain('${{');
    execFileSync('bash', ['-n', '-c', run]);
    for (const [, name] of Object.values(env)
      .join(' ')
      .matchAll(/inputs\.([\w-]+)/g))
      expect(Object.keys(inputs)).toContain(name);
  }
  for (const { value } of Object.values(outputs)) {
    const [, step] = /steps\.(\w+)\./.exec(value) ?? [];
    expect(runs.steps.map(({ id }) => id)).toContain(step);
  }
});

it('the scripts of the action and the hooks call adit with what it knows', async () => {
  const hooks = z
    .array(
      z.strictObject({
        id: z.string(),
        name: z.string(),
        description: z.string(),
        entry: z.string(),
        language: z.literal('system'),
        pass_filenames: z.literal(false),
        types_or: z.array(z.enum(['yaml', 'json'])),
      }),
    )
    .parse(read('.pre-commit-hooks.yaml'));
  using folder = folderOf({ 'plan.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n' });
  for (const { entry } of hooks) {
    const [npx, program, ...args] = entry.split(' ');
    expect([npx, program]).toEqual(['npx', 'adit']);
    expect(await runCli(folder.dir, args)).toEqual(expect.objectContaining({ code: 0, err: '' }));
  }
  const annotated = await runCli(folder.dir, ['lint', '--format', 'github', '--', '.']);
  expect(annotated).toEqual({ code: 0, out: '', err: '' });
});
