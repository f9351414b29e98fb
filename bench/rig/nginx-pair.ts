import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync, chmodSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Nginx {
  readonly address: string;
  /** Of the workers. */
  readonly pids: readonly number[];
  stop(): Promise<void>;
}

/** nginx with one worker that serves files of so many bytes, each under its own name. */
export function nginxUpstream(files: ReadonlyMap<string, number>): Promise<Nginx> {
  return nginx((port, dir) => {
    for (const [name, bytes] of files) writeFileSync(join(dir, name), 'x'.repeat(bytes));
    return `server { listen 127.0.0.1:${port}; root ${dir}; }`;
  });
}

/** nginx with one worker as plain reverse proxy, with kept connections. */
export function nginxProxy(upstream: string): Promise<Nginx> {
  return nginx(
    (port) => `upstream u { server ${upstream}; keepalive 64; keepalive_requests 100000000; }
      server { listen 127.0.0.1:${port};
        location / { proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection ""; } }`,
  );
}

async function nginx(servers: (port: number, dir: string) => string): Promise<Nginx> {
  const dir = mkdtempSync(join(tmpdir(), 'adit-bench-nginx-'));
  // The worker is another user than root.
  chmodSync(dir, 0o755);
  const port = await freePort();
  writeFileSync(
    join(dir, 'nginx.conf'),
    `worker_processes 1; pid ${dir}/pid; error_log ${dir}/error.log; events { worker_connections 4096; }
     http { access_log off; keepalive_requests 100000000;
       client_body_temp_path ${dir}/a; proxy_temp_path ${dir}/b; fastcgi_temp_path ${dir}/c; uwsgi_temp_path ${dir}/d;
       scgi_temp_path ${dir}/e; ${servers(port, dir)} }`,
  );
  const master = spawn('nginx', ['-c', join(dir, 'nginx.conf'), '-e', join(dir, 'error.log'), '-g', 'daemon off;'], {
    stdio: 'ignore',
  });
  await listening(port, master);
  const pids = await workersOf(master);
  return {
    address: `127.0.0.1:${port}`,
    pids,
    async stop() {
      const exited = once(master, 'exit');
      if (master.kill('SIGTERM')) await exited;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

const START_TRIES = 200;
const START_POLL_MS = 25;

async function listening(port: number, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < START_TRIES && child.exitCode === null; attempt += 1) {
    const socket = connect(port, '127.0.0.1');
    const open = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (open) return;
    await sleep(START_POLL_MS);
  }
  throw new Error('nginx did not start; is it installed (apt-get install nginx)?');
}

/** The master listens before its worker is there. */
async function workersOf(master: ChildProcess): Promise<number[]> {
  for (let attempt = 0; attempt < START_TRIES; attempt += 1) {
    const children = readFileSync(`/proc/${master.pid}/task/${master.pid}/children`, 'latin1').trim();
    if (children !== '') return children.split(' ').map(Number);
    await sleep(START_POLL_MS);
  }
  throw new Error('nginx has no worker');
}
