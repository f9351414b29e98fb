import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { adit, root, RunningProgram } from './support/running-stack.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'adit-lean-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Writes which of Node's own modules a process had loaded when it ended. */
const probe = (into: string): string =>
  `process.on('exit', () => require('node:fs').writeFileSync(${JSON.stringify(into)} + '/' + process.pid + '.json', JSON.stringify({ program: process.argv[1], loaded: process.moduleLoadList })));`;

test('parts of a preview load nothing large of Node that they do not use', async () => {
  writeFileSync(join(folder, 'probe.cjs'), probe(folder));
  const program = new RunningProgram(process.execPath, [adit, 'up', '--json', '--preview', 'http://127.0.0.1:9'], {
    env: { NODE_OPTIONS: `--require ${join(folder, 'probe.cjs')}`, ADIT_STATE_DIR: folder },
  });
  try {
    await program.line((line) => line.event === 'ready');
  } finally {
    await program.stop();
  }
  const loadedBy = new Map<string, Set<string>>();
  for (const name of readdirSync(folder).filter((each) => each.endsWith('.json'))) {
    const { program: path, loaded } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as { program: string; loaded: string[] }; // prettier-ignore
    const part = path.slice(join(root, 'dist').length + 1);
    loadedBy.set(part, new Set(loaded));
  }
  expect([...loadedBy.keys()]).toEqual(expect.arrayContaining(['agent.js', 'broker.js']));
  for (const part of ['agent.js', 'broker.js']) {
    const loaded = loadedBy.get(part);
    expect(loaded?.has('NativeModule http'), `${part} has what it needs`).toBe(true);
    expect(loaded?.has('NativeModule internal/deps/undici/undici'), part).toBe(false);
  }
  // For upstreams by HTTP/2, of which there was none, and what comes with `node:fs/promises` (or with `node:http2`).
  for (const module of ['http2', 'internal/readline/interface'])
    expect(loadedBy.get('agent.js')?.has(`NativeModule ${module}`), module).toBe(false);
});

test('no program has a character that makes Node keep its text with two bytes for each', () => {
  const programs = ['adit', 'agent', 'broker', 'control', 'leash'];
  const files = programs.flatMap((name) => [`${name}.js`, ...partsOf(name)]);
  expect(files.length).toBeGreaterThan(programs.length);
  const wide = files.filter((file) => /[^\0-\x7f]/.test(readFileSync(join(root, 'dist', file), 'utf8')));
  expect(wide).toEqual([]);
});

function partsOf(name: string): string[] {
  try {
    return readdirSync(join(root, 'dist', name)).map((part) => join(name, part));
  } catch {
    return [];
  }
}
