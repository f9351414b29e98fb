import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram, onPath } from './find-program.ts';
import type { Peer, RunningPeer } from './peer.ts';
import { boreRecipe, ratholeRecipe } from './recipes.ts';
import { freePort, startServer, type ServerProcess } from './server-process.ts';

/** bore listens for its clients on this port; it has no option for another. */
const BORE_CONTROL_PORT = 7835;

/** rathole: TCP connections spliced, no HTTP, over plain TCP with its defaults. */
export const ratholePeer: Peer = {
  name: 'rathole',
  async start(upstream) {
    const program = await findProgram(ratholeRecipe);
    if (typeof program !== 'string') return program;
    const [control, visitors] = [await freePort(), await freePort()];
    const dir = await mkdtemp(join(tmpdir(), 'adit-bench-'));
    const [server, client] = [join(dir, 'server.toml'), join(dir, 'client.toml')];
    await writeFile(
      server,
      `[server]\nbind_addr = "127.0.0.1:${control}"\ndefault_token = "bench"\n[server.services.files]\nbind_addr = "127.0.0.1:${visitors}"\n`,
    );
    await writeFile(
      client,
      `[client]\nremote_addr = "127.0.0.1:${control}"\ndefault_token = "bench"\n[client.services.files]\nlocal_addr = "${upstream}"\n`,
    );
    const broker = await startServer(program, ['--server', server], { port: control });
    const agent = await startServer(program, ['--client', client]);
    await broker.says(/Listening at/);
    return pair(`127.0.0.1:${visitors}`, broker, agent, () => rm(dir, { recursive: true, force: true }));
  },
};

/** bore: TCP connections spliced, a connection of its own for each, no encryption. */
export const borePeer: Peer = {
  name: 'bore',
  async start(upstream) {
    const program = await findProgram(boreRecipe);
    if (typeof program !== 'string') return program;
    const [host = '', port = ''] = upstream.split(':');
    const visitors = String(await freePort());
    const broker = await startServer(
      program,
      ['server', '--bind-addr', '127.0.0.1', '--min-port', visitors, '--max-port', visitors],
      { port: BORE_CONTROL_PORT },
    );
    const agent = await startServer(program, [
      'local',
      port,
      '--local-host',
      host,
      '--to',
      '127.0.0.1',
      '--port',
      visitors,
    ]);
    await agent.says(/listening at/);
    return pair(`127.0.0.1:${visitors}`, broker, agent);
  },
};

/** chisel: SSH channels in a WebSocket. Not built here; measured when it is on `PATH`. */
export const chiselPeer: Peer = {
  name: 'chisel',
  async start(upstream) {
    const program = await onPath('chisel');
    if (program === undefined) return { missing: 'chisel is not on PATH' };
    const [control, visitors] = [await freePort(), await freePort()];
    const broker = await startServer(program, ['server', '--host', '127.0.0.1', '-p', `${control}`, '--reverse'], {
      port: control,
    });
    const remote = `R:127.0.0.1:${visitors}:${upstream}`;
    const agent = await startServer(program, ['client', `http://127.0.0.1:${control}`, remote]);
    await agent.says(/Connected/);
    return pair(`127.0.0.1:${visitors}`, broker, agent);
  },
};

/** frp's HTTP proxy over its own multiplexer. Not built here; measured when it is on `PATH`. */
export const frpPeer: Peer = {
  name: 'frp',
  async start(upstream) {
    const [frps, frpc] = [await onPath('frps'), await onPath('frpc')];
    if (frps === undefined || frpc === undefined) return { missing: 'frps and frpc are not on PATH' };
    const [control, visitors] = [await freePort(), await freePort()];
    const [host = '', port = ''] = upstream.split(':');
    const dir = await mkdtemp(join(tmpdir(), 'adit-bench-'));
    const [server, client] = [join(dir, 'frps.toml'), join(dir, 'frpc.toml')];
    await writeFile(server, `bindAddr = "127.0.0.1"\nbindPort = ${control}\nvhostHTTPPort = ${visitors}\n`);
    await writeFile(
      client,
      `serverAddr = "127.0.0.1"\nserverPort = ${control}\n[[proxies]]\nname = "files"\ntype = "http"\nlocalIP = "${host}"\nlocalPort = ${port}\ncustomDomains = ["files.localhost"]\n`,
    );
    const broker = await startServer(frps, ['-c', server], { port: control });
    const agent = await startServer(frpc, ['-c', client]);
    await agent.says(/start proxy success/);
    const running = pair(`127.0.0.1:${visitors}`, broker, agent, () => rm(dir, { recursive: true, force: true }));
    return { ...running, host: 'files.localhost' };
  },
};

function pair(
  address: string,
  broker: ServerProcess,
  agent: ServerProcess,
  cleanUp: () => Promise<void> = () => Promise.resolve(),
): RunningPeer {
  return {
    address,
    parties: { broker: broker.pid, agent: agent.pid },
    async stop() {
      await agent.stop();
      await broker.stop();
      await cleanUp();
    },
  };
}
