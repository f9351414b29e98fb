import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ExecCredentials } from './exec-credential.ts';
import type { ExecPlugin } from './kubeconfig.ts';

const SERVER = { server: 'https://127.0.0.1:6443', 'certificate-authority-data': 'Y2E=' };

describe.skipIf(process.platform === 'win32')('an exec plugin', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'adit-exec-'));
  });
  afterEach(async () => await rm(dir, { recursive: true, force: true }));

  /** A plugin that writes a line to `runs` each time and then does what the script says. */
  async function plugin(script: string, more: Partial<ExecPlugin> = {}): Promise<ExecPlugin> {
    const command = join(dir, 'plugin');
    await writeFile(
      command,
      `#!/bin/sh\necho run >> "${dir}/runs"\nprintf %s "$KUBERNETES_EXEC_INFO" > "${dir}/info"\n${script}\n`,
    );
    await chmod(command, 0o755);
    return {
      apiVersion: 'client.authentication.k8s.io/v1',
      command,
      args: ['--login'],
      env: [],
      installHint: undefined,
      interactiveMode: undefined,
      ...more,
    };
  }
  const answer = (status: object) =>
    `printf %s '${JSON.stringify({ kind: 'ExecCredential', apiVersion: 'client.authentication.k8s.io/v1', status })}'`;
  const runs = async () => (await readFile(join(dir, 'runs'), 'utf8')).trim().split('\n').length;
  const credentials = (spec: ExecPlugin, timeoutMs = 10_000) =>
    new ExecCredentials(spec, SERVER, process.env, timeoutMs);

  it('runs once for all requests that wait for it, and is kept until shortly before it expires', async () => {
    const expirationTimestamp = new Date(Date.now() + 3_600_000).toISOString();
    const exec = credentials(await plugin(answer({ token: 't', expirationTimestamp })));
    const all = await Promise.all(Array.from({ length: 20 }, async () => await exec.get()));
    expect(new Set(all.map((result) => result.ok && result.value.token))).toEqual(new Set(['t']));
    await exec.get();
    expect(await runs()).toBe(1);
    exec.forget();
    await exec.get();
    expect(await runs()).toBe(2);
  });

  it('runs again when its answer is about to expire', async () => {
    const exec = credentials(
      await plugin(answer({ token: 't', expirationTimestamp: new Date(Date.now() + 1_000).toISOString() })),
    );
    await exec.get();
    await exec.get();
    expect(await runs()).toBe(2);
  });

  it('is told the version and the cluster it asked for, and may answer with a certificate', async () => {
    const exec = credentials(
      await plugin(answer({ clientCertificateData: 'c', clientKeyData: 'k' }), { provideClusterInfo: true }),
    );
    expect(await exec.get()).toMatchObject({ ok: true, value: { token: undefined, certificate: 'c', key: 'k' } });
    expect(JSON.parse(await readFile(join(dir, 'info'), 'utf8'))).toEqual({
      kind: 'ExecCredential',
      apiVersion: 'client.authentication.k8s.io/v1',
      spec: { interactive: false, cluster: SERVER },
    });
  });

  it('that fails is shown with its command, the PATH searched, its words and how to install it', async () => {
    const exec = credentials(await plugin('echo "please log in" >&2; exit 3', { installHint: 'brew install it' }));
    const result = await exec.get();
    expect(result).toMatchObject({ ok: false, error: { code: 'kube-exec-failed', hint: 'brew install it' } });
    expect(!result.ok && result.error.message).toContain('plugin --login: exit code 3');
    expect(!result.ok && result.error.detail).toContain(`PATH: ${process.env['PATH']}`);
    expect(!result.ok && result.error.detail).toContain('stderr: please log in');
  });

  it.for([
    ['is not found', { command: 'adit-no-such-plugin' }, 'true', 'not found on PATH'],
    ['prints no JSON', {}, 'echo hello', 'did not print JSON'],
    ['prints something else', {}, 'echo "{}"', 'did not print an ExecCredential'],
    ['gives nothing', {}, answer({}), 'neither a token nor a certificate'],
    ['needs a terminal', { interactiveMode: 'Always' }, 'true', 'needs a terminal'],
    ['prints without end', {}, 'yes', 'more than 1 MiB'],
  ] as const)('that %s is named', async ([, more, script, words]) => {
    const result = await credentials(await plugin(script, more)).get();
    expect(!result.ok && result.error.message).toContain(words);
  });

  it('that does not end is ended at the time limit, or when the connection closes', async () => {
    const spec = await plugin('sleep 600 & wait');
    const late = await credentials(spec, 200).get();
    expect(!late.ok && late.error.message).toContain('no answer within 0.2 s');
    const exec = credentials(spec, 60_000);
    const running = exec.get();
    exec.close();
    const cancelled = await running;
    expect(!cancelled.ok && cancelled.error.message).toContain('cancelled');
  });
});
