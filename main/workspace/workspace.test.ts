import { execFile } from 'node:child_process';
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openWorkspace, type Workspace, type WorkspaceEvent } from './workspace.ts';

let base: string;
let dir: string;
let stateDir: string;
let workspace: Workspace;
let events: WorkspaceEvent[];

const until = (check: () => void | Promise<void>): Promise<void> =>
  vi.waitFor(check, { timeout: 15_000, interval: 20 });

async function open(): Promise<Workspace> {
  const opened = await openWorkspace({ dir, stateDir, warn: () => undefined });
  if (!opened.ok) throw new Error(opened.error.message);
  events = [];
  opened.value.onEvent((event) => events.push(event));
  return opened.value;
}

beforeEach(async () => {
  base = await realpath(await mkdtemp(path.join(tmpdir(), 'adit-workspace-')));
  dir = path.join(base, 'shop');
  stateDir = path.join(base, 'state');
  await mkdir(path.join(dir, 'apis'), { recursive: true });
  await mkdir(path.join(dir, '.git'));
  await writeFile(path.join(dir, '.git', 'HEAD'), 'ref: refs/heads/main\n');
  await writeFile(path.join(dir, 'adit.yaml'), 'namespace: shop\n');
  await writeFile(path.join(dir, 'apis', 'store.yaml'), 'kind: API\n');
  workspace = await open();
});

afterEach(async () => {
  await workspace.close();
  await rm(base, { recursive: true, force: true });
});

async function read(file: string): Promise<{ text: string; version: string; draft?: { text: string } | undefined }> {
  const content = await workspace.read(file);
  if (!content.ok) throw new Error(content.error.message);
  return content.value;
}

test('lists what is in the folder without the data of Git', () => {
  expect(workspace.files().map((file) => file.path)).toEqual(['adit.yaml', 'apis', 'apis/store.yaml']);
  expect(workspace.info()).toEqual({ dir, name: 'shop', namespace: 'shop', sample: false });
});

test('a save replaces the bytes, keeps the mode and is not told as a change by another program', async () => {
  const file = path.join(dir, 'apis/store.yaml');
  await chmod(file, 0o640);
  const { version } = await read('apis/store.yaml');
  const saved = await workspace.save('apis/store.yaml', 'kind: APIPlan\n', version);
  expect(saved.ok).toBe(true);
  expect(await readFile(file, 'utf8')).toBe('kind: APIPlan\n');
  expect((await stat(file)).mode & 0o777).toBe(0o640);
  expect(workspace.texts().get('apis/store.yaml')).toBe('kind: APIPlan\n');
  // A later outside change proves that the watcher had its chance to echo ours.
  await writeFile(path.join(dir, 'apis/other.yaml'), 'kind: API\n');
  await until(() =>
    expect(events).toContainEqual(expect.objectContaining({ type: 'outside', path: 'apis/other.yaml' })),
  );
  await workspace.sweep();
  expect(events.filter((event) => event.type === 'outside' && event.path === 'apis/store.yaml')).toEqual([]);
  expect((await readdir(path.join(dir, 'apis'))).toSorted()).toEqual(['other.yaml', 'store.yaml']);
});

test('files that hold no manifests are told of when they or their drafts change', async () => {
  await writeFile(path.join(dir, 'apis/_names.tpl'), 'one');
  await until(() => expect(events).toContainEqual({ type: 'others', paths: ['apis/_names.tpl'] }));
  events.length = 0;
  const { version } = await read('apis/_names.tpl');
  await workspace.draft('apis/_names.tpl', 'two', version);
  expect(events).toContainEqual({ type: 'others', paths: ['apis/_names.tpl'] });
  events.length = 0;
  await workspace.save('apis/_names.tpl', 'two', version);
  await until(() => expect(events).toContainEqual({ type: 'others', paths: ['apis/_names.tpl'] }));
  events.length = 0;
  await rm(path.join(dir, 'apis/_names.tpl'));
  await until(() => expect(events).toContainEqual({ type: 'others', paths: ['apis/_names.tpl'] }));
  expect(events.filter(({ type }) => type === 'texts')).toEqual([]);
});

test('a save over an outside change is refused and carries their text', async () => {
  const { version } = await read('apis/store.yaml');
  await writeFile(path.join(dir, 'apis/store.yaml'), 'kind: Theirs\n');
  const refused = await workspace.save('apis/store.yaml', 'kind: Ours\n', version);
  expect(refused).toMatchObject({ ok: false, error: { code: 'file-changed', detail: 'kind: Theirs\n' } });
  const theirs = (await read('apis/store.yaml')).version;
  expect((await workspace.save('apis/store.yaml', 'kind: Ours\n', theirs)).ok).toBe(true);
  expect(await readFile(path.join(dir, 'apis/store.yaml'), 'utf8')).toBe('kind: Ours\n');
});

test('a new file is never written over an existing one, and a removed one is not brought back unasked', async () => {
  expect(await workspace.save('apis/store.yaml', 'x', null)).toMatchObject({
    ok: false,
    error: { code: 'file-exists' },
  });
  expect((await workspace.save('new/deep/plan.yaml', 'kind: APIPlan\n', null)).ok).toBe(true);
  expect(workspace.files().map((file) => file.path)).toContain('new/deep/plan.yaml');
  const { version } = await read('new/deep/plan.yaml');
  await rm(path.join(dir, 'new/deep/plan.yaml'));
  expect(await workspace.save('new/deep/plan.yaml', 'x', version)).toMatchObject({
    ok: false,
    error: { code: 'file-gone' },
  });
});

test('nothing outside the workspace can be read or written, whatever the path or link', async () => {
  await writeFile(path.join(base, 'secret.yaml'), 'kind: Secret\n');
  await symlink(path.join(base, 'secret.yaml'), path.join(dir, 'link.yaml'));
  await symlink(base, path.join(dir, 'up'));
  await symlink(path.join(base, 'nowhere.yaml'), path.join(dir, 'dangling.yaml'));
  await symlink(path.join(dir, '.git'), path.join(dir, 'gitdata'));
  const paths = [
    '../secret.yaml',
    '/etc/passwd',
    'apis/../../secret.yaml',
    'link.yaml',
    'up/secret.yaml',
    'up/new.yaml',
    '.git/HEAD',
    '.GIT/HEAD',
    'gitdata/HEAD',
    'dangling.yaml',
    'a\0b',
    'a\\b',
    'C:/x',
    '',
  ];
  for (const file of paths) {
    expect(await workspace.read(file), file).toMatchObject({ ok: false, error: { code: 'path-invalid' } });
    expect(await workspace.save(file, 'x', null), file).toMatchObject({ ok: false, error: { code: 'path-invalid' } });
  }
  await workspace.sweep();
  expect(workspace.texts().has('link.yaml')).toBe(false);
  expect(await readFile(path.join(base, 'secret.yaml'), 'utf8')).toBe('kind: Secret\n');
});

test('a link to a file of the workspace stays a link when saved through', async () => {
  await symlink('store.yaml', path.join(dir, 'apis/alias.yaml'));
  const { version } = await read('apis/alias.yaml');
  expect((await workspace.save('apis/alias.yaml', 'kind: Through\n', version)).ok).toBe(true);
  expect(await readFile(path.join(dir, 'apis/store.yaml'), 'utf8')).toBe('kind: Through\n');
  expect(await realpath(path.join(dir, 'apis/alias.yaml'))).toBe(path.join(dir, 'apis/store.yaml'));
});

test('an unsaved buffer survives that nobody closed the workspace, for its owner only', async () => {
  const { version } = await read('apis/store.yaml');
  await workspace.draft('apis/store.yaml', 'kind: Unsaved\n', version);
  expect(workspace.texts().get('apis/store.yaml')).toBe('kind: Unsaved\n');
  expect(workspace.files().find((file) => file.path === 'apis/store.yaml')?.dirty).toBe(true);
  const second = await open();
  const content = await second.read('apis/store.yaml');
  expect(content).toMatchObject({
    ok: true,
    value: { text: 'kind: API\n', draft: { text: 'kind: Unsaved\n', baseVersion: version } },
  });
  const folder = path.join(stateDir, 'drafts', (await readdir(path.join(stateDir, 'drafts')))[0] ?? '');
  for (const name of await readdir(folder)) expect((await stat(path.join(folder, name))).mode & 0o777).toBe(0o600);
  expect((await second.save('apis/store.yaml', 'kind: Unsaved\n', version)).ok).toBe(true);
  expect(await readdir(folder)).toEqual([]);
  await second.close();
});

test('the last of many quick drafts is the one on disk', async () => {
  await Promise.all(Array.from({ length: 40 }, (_, index) => workspace.draft('apis/store.yaml', `n: ${index}\n`, 'v')));
  const second = await open();
  expect(second.drafts().get('apis/store.yaml')?.text).toBe('n: 39\n');
  await second.close();
});

test('edits of other programs are told: in place, by rename, in new folders, and after a folder came back', async () => {
  const outside = (file: string): object => expect.objectContaining({ type: 'outside', path: file });
  await writeFile(path.join(dir, 'apis/store.yaml'), 'kind: InPlace\n');
  await until(() => expect(events).toContainEqual(outside('apis/store.yaml')));
  events.length = 0;
  await writeFile(path.join(base, 'next'), 'kind: Renamed\n');
  await rename(path.join(base, 'next'), path.join(dir, 'apis/store.yaml'));
  await until(() => expect(events).toContainEqual(outside('apis/store.yaml')));
  await mkdir(path.join(dir, 'a/b/c'), { recursive: true });
  await writeFile(path.join(dir, 'a/b/c/plan.yaml'), 'n: 1\n');
  await until(() => expect(workspace.texts().get('a/b/c/plan.yaml')).toBe('n: 1\n'));
  await writeFile(path.join(dir, 'a/b/c/plan.yaml'), 'n: 2\n');
  await until(() => expect(workspace.texts().get('a/b/c/plan.yaml')).toBe('n: 2\n'));
  await rm(path.join(dir, 'a'), { recursive: true });
  await until(() => expect(events).toContainEqual({ type: 'outside', path: 'a/b/c/plan.yaml', version: null }));
  await mkdir(path.join(dir, 'a/b/c'), { recursive: true });
  await writeFile(path.join(dir, 'a/b/c/plan.yaml'), 'n: 3\n');
  await until(() => expect(workspace.texts().get('a/b/c/plan.yaml')).toBe('n: 3\n'));
});

test('rename and delete move the draft along and leave no echo', async () => {
  const { version } = await read('apis/store.yaml');
  await workspace.draft('apis/store.yaml', 'kind: Draft\n', version);
  expect((await workspace.rename('apis', 'services')).ok).toBe(true);
  expect(workspace.drafts().get('services/store.yaml')?.text).toBe('kind: Draft\n');
  expect(await workspace.rename('services/store.yaml', 'adit.yaml')).toMatchObject({
    ok: false,
    error: { code: 'file-exists' },
  });
  expect((await workspace.remove('services')).ok).toBe(true);
  expect(workspace.files().map((file) => file.path)).toEqual(['adit.yaml']);
  expect(workspace.drafts().size).toBe(0);
  expect(await workspace.remove('services')).toMatchObject({ ok: false, error: { code: 'file-missing' } });
  await workspace.sweep();
  expect(events.filter(({ type }) => type === 'outside')).toEqual([]);
});

test('what cannot be opened as text says why', async () => {
  await writeFile(path.join(dir, 'picture.bin'), Buffer.from([0xff, 0xfe, 0x00]));
  expect(await workspace.read('picture.bin')).toMatchObject({ ok: false, error: { code: 'file-not-text' } });
  await promisify(execFile)('truncate', ['-s', '6M', path.join(dir, 'large.yaml')]);
  expect(await workspace.read('large.yaml')).toMatchObject({ ok: false, error: { code: 'file-too-large' } });
  expect(await workspace.read('apis')).toMatchObject({ ok: false, error: { code: 'file-not-file' } });
});

test('a wrong adit.yaml is a problem with its line, and the folder still opens', async () => {
  const { version } = await read('adit.yaml');
  await workspace.draft('adit.yaml', 'namespace: shop\nupstream: {}\n', version);
  expect(workspace.config().diagnostics).toMatchObject([
    { severity: 'error', file: 'adit.yaml', code: 'workspace-config' },
  ]);
});

test('a folder that is not there, is a file, or cannot be opened is named', async () => {
  const tryOpen = (at: string): ReturnType<typeof openWorkspace> =>
    openWorkspace({ dir: at, stateDir, warn: () => undefined });
  expect(await tryOpen(path.join(base, 'none'))).toMatchObject({ ok: false, error: { code: 'workspace-missing' } });
  expect(await tryOpen(path.join(dir, 'adit.yaml'))).toMatchObject({
    ok: false,
    error: { code: 'workspace-not-folder' },
  });
});

test('a file in another encoding, too large or gone is a diagnostic or nothing, and the rest is read', async () => {
  await writeFile(path.join(dir, 'latin.yaml'), Buffer.from([0x61, 0x3a, 0x20, 0xe9, 0x0a]));
  await writeFile(path.join(dir, 'wide.yaml'), Buffer.from('kind: A\n', 'utf16le'));
  await writeFile(path.join(dir, 'large.yaml'), 'a'.repeat(3 * 1024 * 1024));
  await writeFile(path.join(dir, 'good.yaml'), 'kind: A\n');
  await symlink('.', path.join(dir, 'loop'));
  workspace = await open();
  const told = (): string[] =>
    workspace
      .config()
      .diagnostics.map(({ severity, code, file, message }) => `${severity} ${code} ${file}: ${message}`);
  const latin = 'error file-unreadable latin.yaml: latin.yaml is not UTF-8 text.';
  expect(told().toSorted()).toEqual([
    'error file-unreadable large.yaml: it is too large to be read',
    latin,
    'error file-unreadable wide.yaml: wide.yaml is not UTF-8 text.',
  ]);
  expect(workspace.texts().get('good.yaml')).toBe('kind: A\n');

  await rm(path.join(dir, 'large.yaml'));
  await writeFile(path.join(dir, 'wide.yaml'), 'kind: A\n');
  await workspace.sweep();
  expect(told()).toEqual([latin]);
  expect(workspace.texts().get('wide.yaml')).toBe('kind: A\n');
});
