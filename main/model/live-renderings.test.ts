import { chmodSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Model } from '../../shared/contract/contract.ts';
import { readCustomRules } from '../../shared/manifests/index.ts';
import { parseWorkspaceConfig } from '../../shared/workspace/parse-config.ts';
import { createLiveModel, type LiveModel } from './live-model.ts';

const service = (name: string): string =>
  `apiVersion: v1\nkind: Service\nmetadata: { name: ${name} }\nspec: { ports: [{ port: 80 }] }\n`;

let home: string;
let dir: string;
let texts: Map<string, string>;
let drafts: Map<string, { text: string }>;
let models: Model[];
let faults: unknown[];
let live: LiveModel;
const searched = process.env['PATH'];

/**
 * A program in the place of kustomize, which renders what lies in `made` of its folder. Before it does, it says that it
 * was started (`started/PID`), and stays for minutes when told to (`stay`).
 */
const PROGRAM = `#!/bin/sh
if [ -e "$HOME_OF_TEST/stay" ]; then
  : > "$HOME_OF_TEST/started/$$"
  exec /bin/sleep 600
fi
: > "$HOME_OF_TEST/started/$$"
exec /bin/cat "$2/made"
`;

beforeEach(() => {
  home = realpathSync(mkdtempSync(path.join(tmpdir(), 'adit-renderings-')));
  dir = path.join(home, 'workspace');
  for (const folder of ['bin', 'started', 'workspace/prod']) mkdirSync(path.join(home, folder), { recursive: true });
  writeFileSync(path.join(home, 'bin/kustomize'), PROGRAM);
  chmodSync(path.join(home, 'bin/kustomize'), 0o755);
  process.env['PATH'] = path.join(home, 'bin');
  process.env['HOME_OF_TEST'] = home;
  texts = new Map();
  drafts = new Map();
  [models, faults] = [[], []];
  write('prod/kustomization.yaml', 'resources: []\n');
  write('plain.yaml', service('plain'));
  writeFileSync(path.join(dir, 'prod/made'), service('rendered'));
  const { config } = parseWorkspaceConfig('');
  live = createLiveModel(
    { objectStates: () => new Map(), liveCrds: () => [], onChange: () => () => undefined },
    (model) => models.push(model),
    (error) => faults.push(error),
  );
  live.open({
    dir,
    texts: () => texts,
    drafts: () => drafts,
    config: () => ({ config, diagnostics: [], customRules: readCustomRules([], '') }),
  });
});

afterEach(() => {
  live.close();
  process.env['PATH'] = searched;
  delete process.env['HOME_OF_TEST'];
  rmSync(home, { recursive: true, force: true });
  expect(faults).toEqual([]);
});

function write(file: string, text: string): void {
  writeFileSync(path.join(dir, file), text);
  texts.set(file, text);
}

const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 15_000, interval: 10 });
const names = (): string[] => live.current().objects.map(({ ref }) => ref.name);
const starts = (): number[] => readdirSync(path.join(home, 'started')).map(Number);

test('objects of files are there at once; those of an overlay are marked, with their text, when they are rendered', async () => {
  expect(names()).toEqual(['plain']);
  expect(live.current().rendering).toBe(true);
  await until(() => expect(models.at(-1)?.rendering).toBe(false));
  const [plain, rendered] = live.current().objects;
  expect(plain?.rendered).toBeUndefined();
  expect(rendered).toMatchObject({
    ref: { name: 'rendered' },
    file: 'prod/kustomization.yaml',
    rendered: { by: 'kustomize', dir: 'prod' },
  });
  expect(live.document(rendered?.id ?? '')?.rendered?.text).toBe(service('rendered'));
});

test('a program at work keeps nobody waiting, is not disturbed by what is not its own, and ends with the next edit of it', async () => {
  writeFileSync(path.join(home, 'stay'), '');
  live.current();
  await until(() => expect(starts()).toHaveLength(1));
  const [first = 0] = starts();

  texts.set('plain.yaml', service('typed'));
  live.textsChanged();
  expect(names()).toEqual(['typed']);
  expect(live.current().rendering).toBe(true);
  expect(process.kill(first, 0)).toBe(true);

  rmSync(path.join(home, 'stay'));
  drafts.set('prod/kustomization.yaml', { text: 'resources: [] # typed\n' });
  texts.set('prod/kustomization.yaml', 'resources: [] # typed\n');
  live.textsChanged();
  await until(() => expect(models.at(-1)?.rendering).toBe(false));
  expect(names()).toEqual(['typed', 'rendered']);
  expect(starts()).toHaveLength(2);
  expect(() => process.kill(first, 0)).toThrow('ESRCH');
});

test('another file of an overlay makes it anew; a failure is one problem, and what was made last stays', async () => {
  await until(() => expect(names()).toEqual(['plain', 'rendered']));
  writeFileSync(path.join(dir, 'prod/made'), service('renamed'));
  live.othersChanged(['elsewhere.txt']);
  expect(live.current().rendering).toBe(false);
  live.othersChanged(['prod/made']);
  await until(() => expect(names()).toEqual(['plain', 'renamed']));

  rmSync(path.join(dir, 'prod/made'));
  live.othersChanged(['prod/made']);
  await until(() => expect(live.current().diagnostics).toHaveLength(1));
  expect(live.current().diagnostics[0]).toMatchObject({ code: 'render-failed', file: 'prod/kustomization.yaml' });
  expect(names()).toEqual(['plain', 'renamed']);
  live.textsChanged();
  expect(live.current().diagnostics).toHaveLength(1);
});

test('another workspace takes nothing along', async () => {
  await until(() => expect(names()).toEqual(['plain', 'rendered']));
  live.open(undefined);
  expect(live.current()).toMatchObject({ objects: [], diagnostics: [], rendering: false });
});
