import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { get, startLoad } from './support/http-load.ts';
import { isAlive, root, RunningProgram, startUp, until, type ReadyLine } from './support/running-stack.ts';

const sample = join(root, 'examples/petstore');

function allPids(ready: ReadyLine): number[] {
  return [ready.edge.pid, ready.control.pid, ready.agent.pid, ...ready.brokers.map((broker) => broker.pid)];
}

describe('adit up on the sample', () => {
  let program: RunningProgram;
  let ready: ReadyLine;

  beforeEach(async () => {
    ({ program, ready } = await startUp(sample));
  });
  afterEach(async () => {
    await program.stop();
  });

  test('answers as the manifests say through the edge and through every broker', async () => {
    expect(ready.url).toBe(`http://${ready.host}:${ready.edge.address.split(':')[1]}/`);
    expect(ready.host).toMatch(/^petstore-[a-z0-9]+\.localhost$/);
    expect(new Set(ready.brokers.map((broker) => broker.id)).size).toBe(3);
    for (const address of [ready.edge.address, ...ready.brokers.map((broker) => broker.address)]) {
      expect((await get(address, ready.host)).status, `without a key at ${address}`).toBe(401);
    }
    expect((await get(ready.edge.address, 'unknown.localhost')).status).toBe(404);
  });

  test('keeps answering every GET while two of three brokers are killed, and uses them again', async () => {
    const load = startLoad(ready.edge.address, ready.host, { perSecond: 200, expected: 401 });
    await until('a second of load', () => load.sent >= 200);
    const [first, second, third] = ready.brokers;
    const before = program.lines.length;
    for (const broker of [first, second]) process.kill(broker!.pid, 'SIGKILL');
    for (const broker of [first, second]) {
      await program.line(
        (line) => line.event === 'child-restarted' && line['child'] === `broker ${broker!.id}`,
        before,
      );
      await program.line((line) => line.event === 'session-up' && line['broker'] === broker!.id, before);
      await until(
        `${broker!.id} answers again`,
        async () => (await get(broker!.address, ready.host).catch(() => ({ status: 0 }))).status === 401,
      );
    }
    // They answer visitors of their own before the edge, which asks again at growing intervals, has heard of them.
    await until('the edge follows all of them', async () =>
      (await get(ready.edge.peer, 'edge', '/metrics')).body.includes('adit_broker_peers 3'),
    );
    // With the one that never died gone, only the restarted ones can answer.
    process.kill(third!.pid, 'SIGKILL');
    const seen = load.sent;
    await until('a second of load through the restarted brokers', () => load.sent >= seen + 200);
    await load.stop();
    expect(load.failures).toEqual([]);
  });

  test('serves on while the control plane is stopped, and says so', async () => {
    process.kill(ready.control.pid, 'SIGSTOP');
    try {
      await program.line((line) => line.event === 'control-unreachable');
      for (const address of [ready.edge.address, ...ready.brokers.map((broker) => broker.address)])
        expect((await get(address, ready.host)).status).toBe(401);
    } finally {
      process.kill(ready.control.pid, 'SIGCONT');
    }
    await program.line((line) => line.event === 'control-reachable');
  });

  test('brings back the preview after its agent was killed, under the same host', async () => {
    const before = program.lines.length;
    process.kill(ready.agent.pid, 'SIGKILL');
    await program.line((line) => line.event === 'child-restarted' && line['child'] === 'agent', before);
    await until('the same host answers', async () => (await get(ready.edge.address, ready.host)).status === 401);
  });

  test('ends the whole tree on SIGTERM', async () => {
    const pids = allPids(ready);
    expect(pids.every(isAlive)).toBe(true);
    await program.stop('SIGTERM');
    expect(pids.filter(isAlive)).toEqual([]);
  });

  test('leaves no child behind when the parent is killed', async () => {
    const pids = allPids(ready);
    await program.stop('SIGKILL');
    await until('all children are gone', () => pids.every((pid) => !isAlive(pid)), 10_000);
  });
});

test('nginx in front of the three brokers hides the death of two', async () => {
  const { startNginx } = await import('./support/nginx.ts');
  const { program, ready } = await startUp(sample);
  const nginx = await startNginx(ready.brokers.map((broker) => broker.address));
  try {
    const load = startLoad(nginx.address, ready.host, { perSecond: 200, expected: 401 });
    await until('a second of load', () => load.sent >= 200);
    const before = program.lines.length;
    const killed = ready.brokers.slice(0, 2);
    for (const broker of killed) process.kill(broker.pid, 'SIGKILL');
    for (const broker of killed)
      await program.line((line) => line.event === 'session-up' && line['broker'] === broker.id, before);
    await load.stop();
    expect(load.failures).toEqual([]);
  } finally {
    await nginx.stop();
    await program.stop();
  }
});

test('a URL is previewed as it is, without manifests', async () => {
  const { createServer } = await import('node:http');
  const upstream = createServer((request, response) => response.end(`upstream saw ${request.url}`)).listen(
    0,
    '127.0.0.1',
  );
  await new Promise((resolve) => upstream.once('listening', resolve));
  const address = upstream.address();
  const { program, ready } = await startUp(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`);
  try {
    expect(await get(ready.edge.address, ready.host, '/some/path?q=1')).toEqual({
      status: 200,
      body: 'upstream saw /some/path?q=1',
    });
  } finally {
    await program.stop();
    upstream.close();
  }
});

test('npm start --headless --json prints the ready line first and ends with its children', async () => {
  const child = new RunningProgram('npm', ['start', '--silent', '--', '--headless', '--json']);
  const ready = (await child.line(() => true)) as unknown as ReadyLine;
  expect(ready.event).toBe('ready');
  const pids = allPids(ready);
  await child.stop('SIGTERM');
  await until('all children are gone', () => pids.every((pid) => !isAlive(pid)), 10_000);
});

test('a folder that does not exist is a clear error and leaves nothing running', async () => {
  const child = spawn(
    process.execPath,
    [join(root, 'dist/adit.js'), 'up', '--preview', '/nonexistent/folder', '--json'],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let out = '';
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  const code = await new Promise((resolve) => child.once('close', resolve));
  expect(code).toBe(3);
  expect(JSON.parse(out)).toMatchObject({ event: 'failed', code: 'folder-unreadable' });
});
