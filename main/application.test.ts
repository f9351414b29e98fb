import { execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import {
  calls,
  type CallInput,
  type CallName,
  type CallOutput,
  type EventName,
  type EventPayload,
} from '../shared/contract/contract.ts';
import { fail, type Result } from '../shared/result/result.ts';
import { createApplication, type Application } from './application.ts';
import { registerCalls, type Dispatch } from './bridge/register-calls.ts';
import { createKube } from './kube/create-kube.ts';
import type { StackPort } from './preview/stack-port.ts';
import { startWebShell } from './web/web-shell.ts';

const sampleDir = path.resolve(import.meta.dirname, '../examples/petstore');
const log = pino({ level: 'silent' });
const until = (check: () => void | Promise<void>): Promise<void> =>
  vi.waitFor(check, { timeout: 15_000, interval: 20 });

/** Without agent and brokers: what a preview does is tested beside it and in `e2e/`. */
const noStack: StackPort = {
  start: async () => fail('port-in-use', 'no port is free'),
  stop: async () => undefined,
  onState: () => () => undefined,
  agent: () => undefined,
  upstreams: () => ({}),
};

let base: string;
let app: Application;
let dispatch: Dispatch;
let events: { name: EventName; payload: unknown }[];
const { signal } = new AbortController();

const start = async (initialDir?: string): Promise<Application> => {
  const made = await createApplication({
    stateDir: path.join(base, 'state'),
    sampleDir,
    initialDir,
    version: '1.2.3',
    shell: 'web',
    stack: noStack,
    kube: createKube({ env: {}, home: base }),
    log,
  });
  events = [];
  made.onEvent((name, payload) => events.push({ name, payload }));
  dispatch = registerCalls(calls, made.handlers, (call, error) => {
    throw new Error(`${call} is at fault`, { cause: error });
  });
  return made;
};
const call = async <N extends CallName>(name: N, input: CallInput<N>): Promise<Result<CallOutput<N>>> =>
  (await dispatch(name, input, signal)) as Result<CallOutput<N>>;
async function value<N extends CallName>(name: N, input: CallInput<N>): Promise<CallOutput<N>> {
  const result = await call(name, input);
  if (!result.ok) throw new Error(`${name}: ${result.error.message} ${result.error.detail ?? ''}`);
  return result.value;
}
const lastOf = <E extends EventName>(name: E): EventPayload<E> | undefined =>
  events.findLast((event) => event.name === name)?.payload as EventPayload<E> | undefined;

beforeEach(async () => {
  base = await realpath(await mkdtemp(path.join(tmpdir(), 'adit-app-')));
  vi.stubEnv('HOME', base);
  vi.stubEnv('XDG_CONFIG_HOME', base);
  vi.stubEnv('GIT_CONFIG_NOSYSTEM', '1');
  app = await start();
});

afterEach(async () => {
  await app.close();
  vi.unstubAllEnvs();
  await rm(base, { recursive: true, force: true });
});

test('before a workspace is open, every call says so or answers with nothing', async () => {
  expect(await value('appInfo', {})).toMatchObject({ version: '1.2.3', shell: 'web', sampleAvailable: true });
  expect(await value('workspaceCurrent', {})).toEqual({ workspace: null, recent: [] });
  expect(await value('modelGet', {})).toMatchObject({ objects: [], diagnostics: [] });
  expect(await value('previewGet', {})).toMatchObject({ state: 'off', agent: { running: false } });
  expect(await value('kubeState', {})).toMatchObject({ state: 'off' });
  expect((await value('schemaGet', {})).source).toBe('bundled');
  for (const name of ['fileList', 'gitStatus', 'gitPush', 'previewStart'] as const)
    expect(await call(name, {})).toMatchObject({ ok: false, error: { code: 'no-workspace' } });
});

test('the sample opens as a repository of the user with one commit, and again as it was left', async () => {
  const workspace = await value('workspaceOpenSample', {});
  expect(workspace).toMatchObject({ sample: true, dir: path.join(base, 'state/workspaces/petstore') });
  const model = await value('modelGet', {});
  expect(model.objects.length).toBeGreaterThan(5);
  expect(model.objects.every(({ state }) => state === 'file')).toBe(true);
  expect(model.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  expect(await value('gitStatus', {})).toMatchObject({ state: 'ready', changes: [], branch: 'main' });
  await value('fileSave', { path: 'notes.txt', text: 'mine\n', baseVersion: null });
  await app.close();
  app = await start();
  await value('workspaceOpenSample', {});
  expect((await value('fileRead', { path: 'notes.txt' })).text).toBe('mine\n');
  expect((await value('workspaceCurrent', {})).recent).toMatchObject([{ dir: workspace.dir }]);
});

test('an edit becomes a problem at its line before it is saved; the fix, the commit and the push follow', async () => {
  const remote = path.join(base, 'remote.git');
  execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', remote]);
  const { dir } = await value('workspaceOpenSample', {});
  execFileSync('git', ['remote', 'add', 'origin', remote], { cwd: dir });
  const file = 'manifests/api.yaml';
  const { text, version } = await value('fileRead', { path: file });
  const broken = text.replace(/^kind: API$/m, 'kind: APY');
  expect(broken).not.toBe(text);
  await value('fileDraft', { path: file, text: broken, baseVersion: version });
  await until(() =>
    expect(lastOf('model')?.diagnostics).toContainEqual(expect.objectContaining({ severity: 'error', file })),
  );
  const problem = lastOf('model')?.diagnostics.find((one) => one.severity === 'error' && one.file === file);
  expect(broken.split('\n')[(problem?.line ?? 0) - 1]).toContain('APY');
  await until(() => expect(lastOf('files')?.files.find((one) => one.path === file)?.dirty).toBe(true));
  expect(await readFile(path.join(dir, file), 'utf8')).toBe(text);

  const fixed = `${text}# checked\n`;
  await value('fileSave', { path: file, text: fixed, baseVersion: version });
  await value('fileDraft', { path: file, text: null, baseVersion: version });
  await until(() => expect(lastOf('model')?.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]));
  await until(() => expect(lastOf('git')?.changes).toEqual([{ path: file, status: 'modified' }]));
  expect(await value('gitDiff', { path: file })).toEqual({ before: text, after: fixed, binary: false });
  const { message } = await value('gitProposeMessage', { paths: [file] });
  expect(message).toBe(`Change ${file}`);
  const made = await value('gitCommit', { paths: [file], message, push: true });
  expect(made).toMatchObject({ pushed: true });
  expect(execFileSync('git', ['--git-dir', remote, 'log', '-1', '--format=%H %s', 'main'], { encoding: 'utf8' })).toBe(
    `${made.sha} ${message}\n`,
  );
  await until(() => expect(lastOf('git')).toMatchObject({ changes: [], upstream: 'origin/main', ahead: 0 }));
});

test('a push that fails leaves the commit and says why', async () => {
  await value('workspaceOpenSample', {});
  await value('fileSave', { path: 'notes.txt', text: 'mine\n', baseVersion: null });
  expect(await value('gitCommit', { paths: ['notes.txt'], message: 'Add notes', push: true })).toMatchObject({
    sha: expect.stringMatching(/^[0-9a-f]{40}$/),
    pushed: false,
    pushError: { message: expect.stringContaining('no remote') },
  });
});

test('what another program does is told: an edit, and a commit', async () => {
  const { dir } = await value('workspaceOpenSample', {});
  await value('gitStatus', {});
  const file = 'manifests/access.yaml';
  await writeFile(path.join(dir, file), `${await readFile(path.join(dir, file), 'utf8')}# theirs\n`);
  await until(() =>
    expect(lastOf('fileChanged')).toMatchObject({ path: file, version: expect.stringMatching(/^[0-9a-f]{64}$/) }),
  );
  await until(() => expect(lastOf('git')?.changes).toMatchObject([{ path: file, status: 'modified' }]));
  execFileSync('git', ['commit', '--quiet', '--all', '--message=Theirs'], { cwd: dir });
  await until(() => expect(lastOf('git')?.changes).toEqual([]));
});

test('a reference that breaks by a change of another file is found where it is made', async () => {
  await value('workspaceOpenSample', {});
  const before = await value('modelGet', {});
  const service = before.objects.find(({ ref }) => ref.kind === 'Service');
  const file = service?.file ?? '';
  const { version } = await value('fileRead', { path: file });
  await value('fileDraft', { path: file, text: '', baseVersion: version });
  const after = await value('modelGet', {});
  expect(after.revision).toBeGreaterThan(before.revision);
  expect(after.diagnostics).toContainEqual(
    expect.objectContaining({ code: 'reference-missing', file: 'manifests/routes.yaml' }),
  );
  expect(after.graph.nodes.some(({ missing }) => missing === true)).toBe(true);
});

test('another workspace takes the place of the open one; a folder that cannot be opened does not', async () => {
  const first = await value('workspaceOpenSample', {});
  await cp(sampleDir, path.join(base, 'other'), { recursive: true });
  expect(await call('workspaceOpen', { dir: path.join(base, 'none') })).toMatchObject({
    ok: false,
    error: { code: 'workspace-missing' },
  });
  expect((await value('workspaceCurrent', {})).workspace).toEqual(first);
  const second = await value('workspaceOpen', { dir: path.join(base, 'other') });
  expect(second.sample).toBe(false);
  expect(lastOf('workspace')?.workspace).toEqual(second);
  expect(await value('gitStatus', {})).toMatchObject({ state: 'none' });
  expect(await value('gitInit', {})).toMatchObject({ state: 'ready', branch: 'main' });
  const cloned = path.join(base, 'cloned');
  expect(await value('workspaceClone', { url: first.dir, dir: cloned })).toMatchObject({ dir: cloned });
  expect((await value('workspaceCurrent', {})).recent.map(({ dir }) => dir)).toEqual([cloned, second.dir, first.dir]);
});

test('an initial folder is open from the start, and one that cannot be is told', async () => {
  await mkdir(path.join(base, 'mine'));
  const good = await start(path.join(base, 'mine'));
  expect(good.opened).toMatchObject({ ok: true, value: { name: 'mine' } });
  await good.close();
  const bad = await start(path.join(base, 'none'));
  expect(bad.opened).toMatchObject({ ok: false, error: { code: 'workspace-missing' } });
  await bad.close();
});

test('a preview that cannot start is a state with its reason', async () => {
  await value('workspaceOpenSample', {});
  expect(await value('previewStart', {})).toMatchObject({ state: 'failed', error: { code: 'port-in-use' } });
  expect(lastOf('preview')).toMatchObject({ state: 'failed' });
  expect(await value('previewStop', {})).toMatchObject({ state: 'off' });
});

test('folders can be browsed, and a name that is none is refused', async () => {
  await mkdir(path.join(base, 'b'));
  await mkdir(path.join(base, '.hidden'));
  const browsed = await value('workspaceBrowse', { dir: base });
  expect(browsed).toMatchObject({ dir: base, parent: path.dirname(base) });
  expect(browsed.folders).toEqual(['b', 'state']);
  expect(await call('workspaceBrowse', { dir: path.join(base, 'none') })).toMatchObject({
    ok: false,
    error: { code: 'workspace-missing' },
  });
});

test('the same calls and events cross the web shell', async () => {
  await mkdir(path.join(base, 'renderer'));
  await writeFile(path.join(base, 'renderer/index.html'), 'page');
  const shell = await startWebShell({ application: app, staticDir: path.join(base, 'renderer'), log });
  try {
    const signedIn = await fetch(shell.url, { redirect: 'manual' });
    const cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? '';
    const origin = `http://${shell.address}`;
    const post = async (name: string, input: unknown): Promise<unknown> =>
      (
        await fetch(`${origin}/bridge/call/${name}`, {
          method: 'POST',
          headers: { cookie, origin, 'content-type': 'application/json' },
          body: JSON.stringify(input),
        })
      ).json();
    const page = new WebSocket(`ws://${shell.address}/bridge/events`, { headers: { cookie, origin } });
    await new Promise((resolve, reject) => page.once('open', resolve).once('error', reject));
    const seen: string[] = [];
    page.on('message', (data: Buffer) => seen.push((JSON.parse(data.toString('utf8')) as { event: string }).event));
    expect(await post('workspaceOpenSample', {})).toMatchObject({ ok: true, value: { sample: true } });
    await until(() => expect(seen).toEqual(expect.arrayContaining(['workspace', 'model', 'git'])));
    expect(await post('fileRead', { path: '../../../etc/passwd' })).toMatchObject({
      ok: false,
      error: { code: 'path-invalid' },
    });
    page.terminate();
  } finally {
    await shell.close();
  }
});
