import { once } from 'node:events';
import { chmod, readFile, rename, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { connect as connectTcp, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createKube } from '../../main/kube/create-kube.ts';
import { kubeconfigText } from './api-server.ts';
import { kubeBinaries } from './binaries.ts';
import { documentsOf } from './documents.ts';
import { FILE, startRealCluster, STRIP } from './real-cluster.ts';
import type { RealCluster } from './real-cluster.ts';
import { until } from './until.ts';

const binaries = await kubeBinaries();

describe.skipIf(!binaries)('a connection to a real API server', () => {
  let cluster: RealCluster;
  beforeAll(async () => {
    if (binaries) cluster = await startRealCluster(binaries);
  });
  afterEach(async () => await cluster.clean());
  afterAll(async () => await cluster?.stop());

  it('lists the contexts without a word over the network, and knows its state', async () => {
    const kube = cluster.kubeOf();
    const contexts = await kube.contexts();
    expect(contexts.ok && contexts.value).toMatchObject({
      current: 'admin',
      files: [cluster.server.kubeconfig],
      messages: [],
    });
    expect(contexts.ok && contexts.value.contexts.map(({ name, server: url }) => [name, url])).toEqual(
      ['admin', 'reader', 'nobody'].map((name) => [name, cluster.server.url]),
    );
    expect(kube.state()).toEqual({ state: 'off', unreadable: [], liveSchemas: false });
    expect(await kube.connect('admin')).toMatchObject({
      ok: true,
      value: {
        state: 'connected',
        context: 'admin',
        unreadable: [],
        liveSchemas: true,
        serverVersion: expect.stringMatching(/^v1\./) as string,
      },
    });
    expect(
      kube
        .liveCrds()
        .map((crd) => (crd['metadata'] as { name: string }).name)
        .toSorted(),
    ).toEqual(['ingressroutes.traefik.io', 'middlewares.traefik.io']);
  });

  it('says clearly that a token is refused', async () => {
    const kubeconfig = join(cluster.server.dir, 'expired');
    await writeFile(
      kubeconfig,
      kubeconfigText(cluster.server.url, cluster.server.caFile, new Map([['admin', 'expired-token']])),
    );
    const kube = cluster.kubeOf(kubeconfig);
    const result = await kube.connect('admin');
    expect(result).toMatchObject({ ok: false, error: { code: 'kube-unauthorized' } });
    expect(kube.state()).toMatchObject({ state: 'failed', context: 'admin', error: { code: 'kube-unauthorized' } });
  });

  it('says in bounded time that nothing listens, that nothing answers, and that the certificate does not fit', async () => {
    const silent = createServer(() => undefined);
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const address = silent.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const kubeconfig = join(cluster.server.dir, 'unreachable');
    const tokens = new Map([['admin', 'admin-token']]);
    try {
      await writeFile(kubeconfig, kubeconfigText(`https://127.0.0.1:${port}`, cluster.server.caFile, tokens));
      const quiet = createKube({ env: { KUBECONFIG: kubeconfig }, requestTimeoutMs: 500 });
      expect(await quiet.connect('admin')).toMatchObject({ ok: false, error: { code: 'kube-timeout' } });
      await quiet.close();
    } finally {
      silent.close();
    }
    await writeFile(kubeconfig, kubeconfigText('https://127.0.0.1:1', cluster.server.caFile, tokens));
    const nothing = await cluster.kubeOf(kubeconfig).connect('admin');
    expect(nothing).toMatchObject({ ok: false, error: { code: 'kube-unreachable' } });
    expect(!nothing.ok && nothing.error.message).toMatch(
      /ECONNREFUSED.*cluster test \(https:\/\/127\.0\.0\.1:1\/\) as user admin/,
    );
    await writeFile(
      kubeconfig,
      (await readFile(cluster.server.kubeconfig, 'utf8')).replace(/ +certificate-authority: .*\n/, ''),
    );
    expect(await cluster.kubeOf(kubeconfig).connect('admin')).toMatchObject({ ok: false, error: { code: 'kube-tls' } });
  });

  it('keeps the last good contexts while a kubeconfig is half written, and reads it when it is whole', async () => {
    const kubeconfig = join(cluster.server.dir, 'rewritten');
    const whole = await readFile(cluster.server.kubeconfig, 'utf8');
    await writeFile(kubeconfig, whole);
    const kube = cluster.kubeOf(kubeconfig);
    const names = async () => {
      const contexts = await kube.contexts();
      return contexts.ok
        ? { names: contexts.value.contexts.map(({ name }) => name), messages: contexts.value.messages }
        : contexts;
    };
    expect(await names()).toEqual({ names: ['admin', 'reader', 'nobody'], messages: [] });
    await writeFile(kubeconfig, `${whole.slice(0, whole.indexOf('users:'))}users: [{name: `);
    expect(await names()).toEqual({
      names: ['admin', 'reader', 'nobody'],
      messages: [expect.stringContaining('its last good state is shown') as string],
    });
    await writeFile(`${kubeconfig}.new`, whole.replaceAll('nobody', 'somebody'));
    await rename(`${kubeconfig}.new`, kubeconfig);
    expect(await names()).toEqual({ names: ['admin', 'reader', 'somebody'], messages: [] });
  });

  it('goes on after the server was away: says so, keeps what it had, and sees what changed then', async () => {
    await cluster.server.kubectl(['apply', '-f', '-'], { stdin: FILE });
    const kube = await cluster.connected();
    await cluster.server.restart(async () => {
      await until('the loss is told', () => kube.state().state === 'connecting');
      expect(kube.state()).toMatchObject({ context: 'admin', error: { code: 'kube-unreachable' } });
      expect(kube.objectStates(documentsOf(FILE)).get(STRIP)?.state).toBe('same');
    });
    await cluster.server.kubectl(['delete', 'middleware', 'strip']);
    await until('the deletion is seen', () => kube.objectStates(documentsOf(FILE)).get(STRIP)?.state === 'file');
    await until('all is well again', () => kube.state().state === 'connected');
    expect(kube.state().unreadable).toEqual([]);
  });

  it('runs an exec plugin once for all requests of a connection', async () => {
    const plugin = join(cluster.server.dir, 'plugin');
    const answer = {
      kind: 'ExecCredential',
      apiVersion: 'client.authentication.k8s.io/v1',
      status: { token: 'admin-token' },
    };
    await writeFile(plugin, `#!/bin/sh\necho run >> "${plugin}.runs"\necho '${JSON.stringify(answer)}'\n`);
    await chmod(plugin, 0o755);
    const kubeconfig = join(cluster.server.dir, 'exec');
    const exec = `exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin, interactiveMode: Never}`;
    const text = kubeconfigText(cluster.server.url, cluster.server.caFile, new Map([['admin', 'x']])).replace(
      'token: x',
      exec,
    );
    await writeFile(kubeconfig, text);
    expect(await cluster.kubeOf(kubeconfig).connect('admin')).toMatchObject({
      ok: true,
      value: { state: 'connected' },
    });
    expect(await readFile(`${plugin}.runs`, 'utf8')).toBe('run\n');
  });

  /** Writes a kubeconfig whose only user has these lines instead of a token. */
  async function kubeconfigWith(name: string, user: string, change = (text: string) => text): Promise<string> {
    const path = join(cluster.server.dir, name);
    const text = kubeconfigText(cluster.server.url, cluster.server.caFile, new Map([['admin', 'x']]));
    await writeFile(path, change(text.replace('token: x', user)));
    return path;
  }

  it('is made with a client certificate, from the kubeconfig or from an exec plugin', async () => {
    const { cert, key } = cluster.server.certified;
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    const inline = await kubeconfigWith(
      'inline',
      `{client-certificate-data: ${base64(cert)}, client-key-data: ${base64(key)}}`,
      (text) => text.replace(/user:\n\s+\{/, 'user: {'),
    );
    expect(await cluster.kubeOf(inline).connect('admin')).toMatchObject({
      ok: true,
      value: { state: 'connected', unreadable: [] },
    });
    const status = { clientCertificateData: cert, clientKeyData: key };
    await writeFile(
      join(cluster.server.dir, 'answer'),
      JSON.stringify({ kind: 'ExecCredential', apiVersion: 'client.authentication.k8s.io/v1', status }),
    );
    const exec = `exec: {apiVersion: client.authentication.k8s.io/v1, command: cat, args: ["${join(cluster.server.dir, 'answer')}"]}`;
    const plugin = await kubeconfigWith('certificate-plugin', exec);
    expect(await cluster.kubeOf(plugin).connect('admin')).toMatchObject({
      ok: true,
      value: { state: 'connected', unreadable: [] },
    });
  });

  it('is made with an old auth-provider entry', async () => {
    const claims = Buffer.from(JSON.stringify({ exp: 4_000_000_000 })).toString('base64url');
    const config = `{idp-issuer-url: "https://127.0.0.1:1", client-id: c, refresh-token: r, id-token: "e30.${claims}.x"}`;
    const kubeconfig = await kubeconfigWith('oidc', `auth-provider: {name: oidc, config: ${config}}`);
    // The server knows no such issuer: that it refuses the token shows that it came.
    expect(await cluster.kubeOf(kubeconfig).connect('admin')).toMatchObject({
      ok: false,
      error: { code: 'kube-unauthorized', message: expect.stringMatching(/^Unauthorized; cluster test/) as string },
    });
  });

  it('is made through the proxy of the kubeconfig', async () => {
    let tunnels = 0;
    const proxy = createHttpServer();
    proxy.on('connect', (request, client: Socket) => {
      tunnels += 1;
      const { hostname, port } = new URL(`http://${request.url ?? ''}`);
      const upstream = connectTcp(Number(port), hostname, () => {
        client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
        upstream.pipe(client).pipe(upstream);
      });
      const end = () => {
        upstream.destroy();
        client.destroy();
      };
      upstream.on('error', end).on('close', end);
      client.on('error', end).on('close', end);
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const address = proxy.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const kubeconfig = await kubeconfigWith('proxied', 'token: admin-token', (text) =>
      text.replace(/^( +)server: /m, `$1proxy-url: http://127.0.0.1:${port}\n$1server: `),
    );
    const kube = cluster.kubeOf(kubeconfig);
    try {
      expect(await kube.connect('admin')).toMatchObject({ ok: true, value: { state: 'connected', unreadable: [] } });
      expect(tunnels).toBeGreaterThan(0);
    } finally {
      await kube.close();
      proxy.close();
    }
  });

  it('connects to the context that was chosen last', async () => {
    const kube = cluster.kubeOf();
    const [first, second] = await Promise.all([kube.connect('reader'), kube.connect('admin')]);
    expect(first).toMatchObject({ ok: false, error: { code: 'kube-cancelled' } });
    expect(second).toMatchObject({ ok: true, value: { state: 'connected', context: 'admin' } });
  });

  it('can be cancelled while it connects', async () => {
    const kube = cluster.kubeOf();
    const abort = new AbortController();
    const connecting = kube.connect('admin', abort.signal);
    abort.abort();
    expect(await connecting).toMatchObject({ ok: false, error: { code: 'kube-cancelled' } });
    expect(kube.state().state).toBe('failed');
  });

  it('forgets the cluster on disconnect', async () => {
    const kube = await cluster.connected();
    expect(kube.disconnect()).toEqual({ state: 'off', unreadable: [], liveSchemas: false });
    expect(kube.objectStates(documentsOf(FILE)).size).toBe(0);
    expect(await kube.dryRun(documentsOf(FILE))).toMatchObject({ ok: false, error: { code: 'kube-not-connected' } });
  });
});
