import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './running-stack.ts';

export interface SampleWorkspace {
  /** Holds workspace, remote and the application's state. */
  readonly home: string;
  readonly dir: string;
  readonly stateDir: string;
  readonly remote: string;
  git(...args: string[]): string;
  /** Runs git in the bare remote. */
  remoteGit(...args: string[]): string;
  remove(): void;
}

const identity = {
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@shop.example',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@shop.example',
};

/** A copy of the sample as a repository with a bare one as its remote. */
export function sampleWorkspace(): SampleWorkspace {
  const home = realpathSync(mkdtempSync(join(tmpdir(), 'adit-story-')));
  const dir = join(home, 'petstore');
  const remote = join(home, 'remote.git');
  cpSync(join(root, 'examples/petstore'), dir, { recursive: true });
  mkdirSync(remote);
  const run = (cwd: string, args: string[]): string =>
    execFileSync('git', args, { cwd, encoding: 'utf8', env: { ...process.env, ...identity } });
  run(remote, ['init', '--bare', '--initial-branch=main']);
  run(dir, ['init', '--initial-branch=main']);
  run(dir, ['config', 'user.name', 'Ada']);
  run(dir, ['config', 'user.email', 'ada@shop.example']);
  run(dir, ['add', '--all']);
  run(dir, ['commit', '--message', 'The sample']);
  run(dir, ['remote', 'add', 'origin', remote]);
  run(dir, ['push', '--set-upstream', 'origin', 'main']);
  return {
    home,
    dir,
    remote,
    stateDir: join(home, 'state'),
    git: (...args) => run(dir, args),
    remoteGit: (...args) => run(remote, args),
    remove: () =>
      rmSync(home, {
        recursive: true,
        force: true,
        maxRetries: 5,
      }),
  };
}
