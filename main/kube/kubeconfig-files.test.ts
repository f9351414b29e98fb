import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resolveAccess } from './access.ts';
import { kubeContexts, KubeconfigFiles, kubeconfigPaths } from './kubeconfig-files.ts';

const one = (name: string, server: string, user = '{token: t}') => `apiVersion: v1
kind: Config
current-context: ${name}
clusters: [{name: c, cluster: {server: "${server}", certificate-authority: ca.crt}}]
users: [{name: ${name}, user: ${user}}]
contexts: [{name: ${name}, context: {cluster: c, user: ${name}, namespace: ns}}]
`;
const options = { env: {}, execTimeoutMs: 1_000 };

describe('the kubeconfig', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'adit-kubeconfig-'));
  });
  afterEach(async () => await rm(dir, { recursive: true, force: true }));

  it('is the list in KUBECONFIG, else ~/.kube/config', () => {
    expect(kubeconfigPaths({ KUBECONFIG: ['/a', '', '/b', '/a'].join(delimiter) }, '/home/x')).toEqual(['/a', '/b']);
    expect(kubeconfigPaths({}, '/home/x')).toEqual([join('/home/x', '.kube', 'config')]);
  });

  it('is merged so that the first file wins, and paths in it are relative to it', async () => {
    await mkdir(join(dir, 'sub'));
    const [first, second] = [join(dir, 'first'), join(dir, 'sub', 'second')];
    await writeFile(first, one('a', 'https://127.0.0.1:1'));
    await writeFile(second, one('b', 'https://127.0.0.1:2'));
    await writeFile(join(dir, 'ca.crt'), 'certificate');
    const read = await new KubeconfigFiles([first, join(dir, 'missing'), second]).read();
    expect(kubeContexts(read)).toEqual({
      current: 'a',
      files: [first, second],
      contexts: [
        { name: 'a', cluster: 'c', user: 'a', namespace: 'ns', server: 'https://127.0.0.1:1' },
        { name: 'b', cluster: 'c', user: 'b', namespace: 'ns', server: 'https://127.0.0.1:1' },
      ],
      messages: [`No kubeconfig at ${join(dir, 'missing')}.`],
    });
    const access = await resolveAccess(read.config, 'b', options);
    expect(access).toMatchObject({
      ok: true,
      value: { server: new URL('https://127.0.0.1:1'), namespace: 'ns', tls: { ca: 'certificate' } },
    });
    expect(access.ok && (await access.value.credentials())).toEqual({
      ok: true,
      value: { headers: { authorization: 'Bearer t' } },
    });
  });

  it('may be missing, empty, unreadable or something else: a sentence says so', async () => {
    const file = join(dir, 'config');
    const files = new KubeconfigFiles([file]);
    const messages = async () => (await files.read()).messages;
    expect(await messages()).toEqual([`No kubeconfig at ${file}.`]);
    await writeFile(file, '');
    expect(await messages()).toEqual([`No context in ${file}.`]);
    await writeFile(file, 'contexts: {}\n');
    expect(await messages()).toEqual([expect.stringContaining(`${file}: contexts: `)]);
    await writeFile(file, 'users:\n- name: a\n  user: {token: "secret\n');
    const [broken] = await messages();
    expect(broken).toContain(`${file}:`);
    expect(broken).not.toContain('secret');
    await rm(file);
    await mkdir(file);
    expect(await messages()).toEqual([`${file}: cannot be read (EISDIR).`]);
  });

  it.for([
    ['an unknown context', one('a', 'https://127.0.0.1:1'), 'x', 'kube-context-unknown', 'No context x'],
    [
      'a cluster that is not defined',
      one('a', 'https://127.0.0.1:1').replace('cluster: c', 'cluster: d'),
      'a',
      'kube-config-invalid',
      'its cluster d is not defined',
    ],
    [
      'a user that is not defined',
      one('a', 'https://127.0.0.1:1').replace('user: a,', 'user: d,'),
      'a',
      'kube-config-invalid',
      'its user d is not defined',
    ],
    ['a server that is no URL', one('a', 'file:///x'), 'a', 'kube-config-invalid', 'server is not an http(s) URL'],
    [
      'a certificate that is not there',
      one('a', 'https://127.0.0.1:1'),
      'a',
      'kube-config-invalid',
      'certificate-authority of c cannot be read',
    ],
  ] as const)('names %s', async ([, content, context, code, words]) => {
    const file = join(dir, 'config');
    await writeFile(file, content);
    const { config } = await new KubeconfigFiles([file]).read();
    const access = await resolveAccess(config, context, options);
    expect(access).toMatchObject({ ok: false, error: { code } });
    expect(!access.ok && access.error.message).toContain(words);
  });
});
