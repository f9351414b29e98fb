import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { git } from './git.ts';
import { gitClone } from './git-clone.ts';
import { gitCommit } from './git-commit.ts';
import { gitDiff } from './git-diff.ts';
import { gitInit } from './git-init.ts';
import { gitPush } from './git-push.ts';
import { gitStatus } from './git-status.ts';

let base: string;
let dir: string;
let remote: string;

const run = (...args: string[]): string =>
  execFileSync('git', args, { cwd: dir, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
const write = async (file: string, text: string): Promise<void> => {
  await mkdir(path.dirname(path.join(dir, file)), { recursive: true });
  await writeFile(path.join(dir, file), text);
};
const commit = (paths: string[], message = 'Change'): ReturnType<typeof gitCommit> =>
  gitCommit(dir, { paths, message, signOff: false });

beforeEach(async () => {
  base = await realpath(await mkdtemp(path.join(tmpdir(), 'adit-git-')));
  dir = path.join(base, 'shop');
  remote = path.join(base, 'remote.git');
  await mkdir(dir);
  vi.stubEnv('HOME', base);
  vi.stubEnv('XDG_CONFIG_HOME', base);
  vi.stubEnv('GIT_CONFIG_NOSYSTEM', '1');
  await writeFile(
    path.join(base, '.gitconfig'),
    '[user]\n\tname = Ada\n\temail = ada@shop.example\n[init]\n\tdefaultBranch = main\n',
  );
  execFileSync('git', ['init', '--quiet', '--bare', remote]);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(base, { recursive: true, force: true });
});

async function repository(): Promise<void> {
  expect((await gitInit(dir)).ok).toBe(true);
  await write('a.yaml', 'a: 1\n');
  await write('b.yaml', 'b: 1\n');
  run('add', '-A');
  run('commit', '--quiet', '-m', 'first');
}

test('a folder without a repository, and a machine without git, are states and not failures', async () => {
  expect(await gitStatus(dir)).toMatchObject({ ok: true, value: { state: 'none', changes: [] } });
  vi.stubEnv('PATH', base);
  expect(await gitStatus(dir)).toMatchObject({ ok: true, value: { state: 'missing' } });
  expect(await commit(['a.yaml'])).toMatchObject({ ok: false, error: { code: 'git-missing' } });
});

test('status names every kind of change, whatever the path looks like', async () => {
  await repository();
  await write('a.yaml', 'a: 2\n');
  run('mv', 'b.yaml', 'renamed file.yaml');
  await write('new\nline é.yaml', 'n: 1\n');
  await write('staged.yaml', 's: 1\n');
  run('add', 'staged.yaml');
  const status = await gitStatus(dir);
  expect(status).toMatchObject({
    ok: true,
    value: {
      state: 'ready',
      branch: 'main',
      changes: [
        { path: 'a.yaml', status: 'modified' },
        { path: 'new\nline é.yaml', status: 'untracked' },
        { path: 'renamed file.yaml', from: 'b.yaml', status: 'renamed' },
        { path: 'staged.yaml', status: 'added' },
      ],
    },
  });
});

test('a workspace below the root of its repository sees only its own part, relative to itself', async () => {
  await repository();
  await write('sub/x.yaml', 'x: 1\n');
  await write('a.yaml', 'a: 2\n');
  const sub = path.join(dir, 'sub');
  expect(await gitStatus(sub)).toMatchObject({
    ok: true,
    value: { changes: [{ path: 'x.yaml', status: 'untracked' }] },
  });
  expect((await gitCommit(sub, { paths: ['x.yaml'], message: 'Add x', signOff: false })).ok).toBe(true);
  await writeFile(path.join(sub, 'x.yaml'), 'x: 2\n');
  expect(await gitDiff(sub, 'x.yaml', undefined)).toEqual({
    ok: true,
    value: { before: 'x: 1\n', after: 'x: 2\n', binary: false },
  });
});

test('a commit holds exactly the chosen paths; what else is staged stays staged', async () => {
  await repository();
  await write('a.yaml', 'a: 2\n');
  await write('b.yaml', 'b: 2\n');
  await write('new [x]*.yaml', 'n: 1\n');
  await write('new x.yaml', 'other\n');
  run('add', 'b.yaml');
  const made = await commit(['a.yaml', 'new [x]*.yaml'], 'Change a\n\n# a line that is no comment\n');
  expect(made).toEqual({ ok: true, value: { sha: run('rev-parse', 'HEAD').trim() } });
  expect(run('show', '--format=%B', '--name-only', 'HEAD')).toBe(
    'Change a\n\n# a line that is no comment\n\n\na.yaml\nnew [x]*.yaml\n',
  );
  expect(run('diff', '--cached', '--name-only')).toBe('b.yaml\n');
});

test('the very first commit, a removal and a rename are committed', async () => {
  await gitInit(dir);
  await write('a.yaml', 'a: 1\n');
  await write('b.yaml', 'b: 1\nb: 2\n');
  expect((await commit(['a.yaml', 'b.yaml'], 'First')).ok).toBe(true);
  await rm(path.join(dir, 'a.yaml'));
  run('mv', 'b.yaml', 'c.yaml');
  expect((await commit(['a.yaml', 'c.yaml'], 'Second')).ok).toBe(true);
  expect(run('ls-tree', '--name-only', 'HEAD')).toBe('c.yaml\n');
  expect(await gitStatus(dir)).toMatchObject({ ok: true, value: { changes: [] } });
  expect(await commit(['c.yaml'])).toMatchObject({ ok: false, error: { code: 'git-nothing-to-commit' } });
});

test('a sign-off is added; an identity that is missing is named with the command that sets it', async () => {
  await repository();
  await write('a.yaml', 'a: 2\n');
  await gitCommit(dir, { paths: ['a.yaml'], message: 'Change a', signOff: true });
  expect(run('show', '--format=%B', '--no-patch')).toContain('Signed-off-by: Ada <ada@shop.example>');
  await writeFile(path.join(base, '.gitconfig'), '[user]\n\tuseConfigOnly = true\n');
  await write('a.yaml', 'a: 3\n');
  const refused = await commit(['a.yaml']);
  expect(refused).toMatchObject({ ok: false, error: { code: 'git-no-identity' } });
});

test('a hook runs; when it refuses, its words are the detail and new files are as untracked as before', async () => {
  await repository();
  const hook = path.join(dir, '.git/hooks/pre-commit');
  await writeFile(hook, '#!/bin/sh\necho "plan gold has no limit"\nexit 1\n');
  await chmod(hook, 0o755);
  await write('new.yaml', 'n: 1\n');
  const refused = await commit(['new.yaml']);
  expect(refused).toMatchObject({ ok: false, error: { code: 'git-hook-refused' } });
  expect(refused.ok ? '' : refused.error.detail).toContain('plan gold has no limit');
  expect(await gitStatus(dir)).toMatchObject({
    ok: true,
    value: { changes: [{ path: 'new.yaml', status: 'untracked' }] },
  });
});

test('signing works as configured, and a signature that fails is no commit', async () => {
  await repository();
  const key = path.join(base, 'key');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  run('config', 'gpg.format', 'ssh');
  run('config', 'user.signingkey', key);
  run('config', 'commit.gpgsign', 'true');
  await write('a.yaml', 'a: 2\n');
  expect((await commit(['a.yaml'])).ok).toBe(true);
  expect(run('cat-file', 'commit', 'HEAD')).toContain('-----BEGIN SSH SIGNATURE-----');
  await rm(key);
  await rm(`${key}.pub`);
  await write('a.yaml', 'a: 3\n');
  expect(await commit(['a.yaml'])).toMatchObject({ ok: false, error: { code: 'git-signing-failed' } });
});

test('the first push sets the upstream; a remote that is ahead, refuses, or is gone says so', async () => {
  await repository();
  expect(await gitPush(dir)).toMatchObject({ ok: false, error: { code: 'git-no-remote' } });
  run('remote', 'add', 'origin', remote);
  expect(await gitPush(dir)).toEqual({ ok: true, value: { pushed: true } });
  expect(run('--git-dir', remote, 'log', '--format=%s', 'main')).toBe('first\n');
  expect(await gitStatus(dir)).toMatchObject({ ok: true, value: { upstream: 'origin/main', ahead: 0, behind: 0 } });

  const other = path.join(base, 'other');
  expect(await gitClone(remote, other)).toEqual({ ok: true, value: { dir: other } });
  await writeFile(path.join(other, 'theirs.yaml'), 't: 1\n');
  await gitCommit(other, { paths: ['theirs.yaml'], message: 'Theirs', signOff: false });
  expect((await gitPush(other)).ok).toBe(true);
  await write('a.yaml', 'a: 2\n');
  await commit(['a.yaml']);
  expect(await gitStatus(dir)).toMatchObject({ ok: true, value: { ahead: 1 } });
  expect(await gitPush(dir)).toMatchObject({ ok: false, error: { code: 'git-rejected' } });

  run('pull', '--quiet', '--rebase');
  const hook = path.join(remote, 'hooks/pre-receive');
  await writeFile(hook, '#!/bin/sh\necho "main is protected"\nexit 1\n');
  await chmod(hook, 0o755);
  const refused = await gitPush(dir);
  expect(refused).toMatchObject({ ok: false, error: { code: 'git-remote-refused' } });
  expect(refused.ok ? '' : refused.error.detail).toContain('main is protected');
  await rm(remote, { recursive: true });
  expect(await gitPush(dir)).toMatchObject({ ok: false, error: { code: 'git-not-found' } });
  run('checkout', '--quiet', '--detach');
  expect(await gitPush(dir)).toMatchObject({ ok: false, error: { code: 'git-detached' } });
});

test('a clone never writes into a folder with content, and names an address that holds no repository', async () => {
  await writeFile(path.join(dir, 'mine.txt'), 'mine');
  expect(await gitClone(remote, dir)).toMatchObject({ ok: false, error: { code: 'workspace-not-empty' } });
  expect(await gitClone(path.join(base, 'none'), path.join(base, 'x'))).toMatchObject({
    ok: false,
    error: { code: 'git-not-found' },
  });
  expect((await gitClone(`ext::sh -c "touch ${path.join(base, 'ran')}"`, path.join(base, 'y'))).ok).toBe(false);
  await expect(readFile(path.join(base, 'ran'))).rejects.toThrow('ENOENT');
});

test('both sides of a change; a side that does not exist is null, bytes that are no text are binary', async () => {
  await repository();
  await write('a.yaml', 'a: 2\n');
  expect(await gitDiff(dir, 'a.yaml', undefined)).toEqual({
    ok: true,
    value: { before: 'a: 1\n', after: 'a: 2\n', binary: false },
  });
  await rm(path.join(dir, 'a.yaml'));
  expect(await gitDiff(dir, 'a.yaml', undefined)).toEqual({
    ok: true,
    value: { before: 'a: 1\n', after: null, binary: false },
  });
  await write('new.yaml', 'n: 1\n');
  expect(await gitDiff(dir, 'new.yaml', undefined)).toEqual({
    ok: true,
    value: { before: null, after: 'n: 1\n', binary: false },
  });
  await writeFile(path.join(dir, 'b.bin'), Buffer.from([0, 1, 2]));
  expect(await gitDiff(dir, 'b.bin', undefined)).toMatchObject({ ok: true, value: { binary: true } });
  expect(await gitDiff(dir, '../x', undefined)).toMatchObject({ ok: false, error: { code: 'path-invalid' } });
});

test('a call that waits is ended by its signal and by its time, with its helpers', async () => {
  await repository();
  const abort = new AbortController();
  const marker = path.join(base, 'started');
  const waiting = git(['-c', `alias.wait=!touch '${marker}'; sleep 600`, 'wait'], dir, { signal: abort.signal });
  await vi.waitFor(() => readFile(marker), { timeout: 10_000 });
  abort.abort();
  expect(await waiting).toMatchObject({ ok: false, error: { code: 'aborted' } });
  expect(await git(['-c', 'alias.wait=!sleep 600', 'wait'], dir, { timeoutMs: 50 })).toMatchObject({
    ok: false,
    error: { code: 'git-timeout' },
  });
});

test('output beyond the bound is a failure, not memory', async () => {
  await repository();
  const large = await git(['-c', 'alias.flood=!yes', 'flood'], dir, { maxOutputBytes: 100_000 });
  expect(large).toMatchObject({ ok: false, error: { code: 'git-output-too-large' } });
});

test('a call never works in the repository of the process that started us', async () => {
  await repository();
  const other = path.join(base, 'other');
  execFileSync('git', ['init', '--quiet', other]);
  vi.stubEnv('GIT_DIR', path.join(other, '.git'));
  expect(await gitStatus(dir)).toMatchObject({ ok: true, value: { state: 'ready', changes: [] } });
});
