import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onPath } from './find-program.ts';
import type { Peer } from './peer.ts';
import { freePort, startServer } from './server-process.ts';

export interface RunningNginx {
  readonly address: string;
  /** Process of its one worker. */
  readonly worker: number;
  stop(): Promise<void>;
}

/**
 * An upstream that costs little: one nginx worker that serves files by name and size. `listen`: more parameters of that
 * directive.
 */
export async function startFileServer(
  files: Readonly<Record<string, number>>,
  listen: readonly string[] = [],
): Promise<RunningNginx> {
  const dir = await mkdtemp(join(tmpdir(), 'adit-bench-'));
  await chmod(dir, 0o755);
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(dir, name), 'x'.repeat(bytes));
  const port = await freePort();
  return startNginx(dir, port, `server { listen ${[`127.0.0.1:${port}`, ...listen].join(' ')}; root ${dir}; }`);
}

/** nginx as plain reverse proxy: one worker, kept upstream connections. What the ratios are of. */
export const nginxPeer: Peer = {
  name: 'nginx',
  async start(upstream) {
    if ((await onPath('nginx')) === undefined) return { missing: 'nginx is not on PATH (apt-get install nginx)' };
    const port = await freePort();
    const dir = await mkdtemp(join(tmpdir(), 'adit-bench-'));
    await chmod(dir, 0o755);
    const nginx = await startNginx(
      dir,
      port,
      `upstream files { server ${upstream}; keepalive 64; keepalive_requests 10000000; }
       server { listen 127.0.0.1:${port};
         location / { proxy_pass http://files; proxy_http_version 1.1; proxy_set_header Connection ""; } }`,
    );
    return { address: nginx.address, parties: { proxy: nginx.worker }, stop: () => nginx.stop() };
  },
};

/** A front that ends TLS and passes HTTP/1.1 and its upgrades on, as load balancers and inspecting proxies do. */
export async function startHttpFront(
  certificates: { cert: string; key: string },
  target: number,
): Promise<RunningNginx> {
  const port = await freePort();
  const dir = await mkdtemp(join(tmpdir(), 'adit-bench-'));
  await chmod(dir, 0o755);
  return startNginx(
    dir,
    port,
    `server { listen 127.0.0.1:${port} ssl; ssl_certificate ${certificates.cert}; ssl_certificate_key ${certificates.key};
       location / { proxy_pass https://127.0.0.1:${target}; proxy_http_version 1.1; proxy_buffering off;
         proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade"; proxy_read_timeout 1h; } }`,
  );
}

async function startNginx(dir: string, port: number, servers: string): Promise<RunningNginx> {
  await writeFile(
    join(dir, 'nginx.conf'),
    `worker_processes 1; pid ${dir}/pid; error_log ${dir}/error.log; daemon off;
events { worker_connections 4096; }
http {
  # Visitors who read nothing for longer than a minute are what some benches are about.
  send_timeout 1h;
  access_log off; keepalive_requests 10000000;
  client_body_temp_path ${dir}/a; proxy_temp_path ${dir}/b; fastcgi_temp_path ${dir}/c;
  uwsgi_temp_path ${dir}/d; scgi_temp_path ${dir}/e;
  ${servers}
}
`,
  );
  const master = await startServer((await onPath('nginx')) ?? 'nginx', ['-c', join(dir, 'nginx.conf')], { port });
  const children = await readFile(`/proc/${master.pid}/task/${master.pid}/children`, 'utf8');
  return {
    address: `127.0.0.1:${port}`,
    worker: Number(children.trim().split(' ')[0]),
    async stop() {
      await master.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
