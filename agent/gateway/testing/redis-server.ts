import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Debian's redis-server in a folder of its own; it forgets everything when it stops. */
export class RedisServer {
  readonly port: number;
  readonly #process: ChildProcess;
  readonly #folder: string;

  private constructor(process: ChildProcess, port: number, folder: string) {
    this.#process = process;
    this.port = port;
    this.#folder = folder;
  }

  /** `settings`: lines of its configuration; with a `tls-port` it listens there alone. */
  static async start(port: number, settings: readonly string[] = []): Promise<RedisServer> {
    const folder = await mkdtemp(join(tmpdir(), 'adit-redis-'));
    const config = join(folder, 'redis.conf');
    const plain = settings.some((line) => line.startsWith('tls-port')) ? 0 : port;
    const own = ['bind 127.0.0.1', 'save ""', 'appendonly no', `dir ${folder}`, `port ${plain}`];
    await writeFile(config, [...own, ...settings].join('\n'));
    const process = spawn('redis-server', [config], { stdio: ['ignore', 'pipe', 'ignore'] });
    let said = '';
    await new Promise<void>((resolve, reject) => {
      process.stdout.on('data', (chunk) => {
        said += String(chunk);
        if (said.includes('Ready to accept connections')) resolve();
      });
      process.once('error', reject);
      process.once('exit', () => reject(new Error(said)));
    });
    return new RedisServer(process, port, folder);
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      this.#process.kill('SIGKILL');
      await once(this.#process, 'exit');
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** A port that nobody listened on a moment ago. */
export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
