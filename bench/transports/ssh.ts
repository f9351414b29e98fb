import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onPath } from '../peers/find-program.ts';
import type { Missing } from '../peers/peer.ts';
import { freePort, startServer, type ServerProcess } from '../peers/server-process.ts';
import { REDIAL_MS } from './endpoint.ts';

export interface SshServer {
  readonly port: number;
  readonly pid: number;
  /** Starts `ssh -R`, again whenever it ended; the visitors' port is the server's. */
  forward(port: number, upstream: number): Promise<SshForward>;
  stop(): Promise<void>;
}

export interface SshForward {
  readonly visitors: number;
  pids(): number[];
  said(): string;
  stop(): Promise<void>;
}

/** An OpenSSH server of our own on a loopback port, with keys that live as long as `folder`. */
export async function startSshServer(folder: string): Promise<SshServer | Missing> {
  const [sshd, ssh, keygen] = [await onPath('sshd'), await onPath('ssh'), await onPath('ssh-keygen')];
  if (sshd === undefined || ssh === undefined || keygen === undefined)
    return { missing: 'sshd, ssh or ssh-keygen is missing (apt-get install openssh-server)' };
  const own = await mkdtemp(join(folder, 'ssh-'));
  const [hostKey, userKey] = [join(own, 'host'), join(own, 'user')];
  for (const key of [hostKey, userKey]) await promisify(execFile)(keygen, ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  // As root, OpenSSH of Debian insists on its folder for privilege separation.
  if (userInfo().uid === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
  const port = await freePort();
  const config = join(own, 'sshd_config');
  await writeFile(
    config,
    `Port ${port}\nListenAddress 127.0.0.1\nHostKey ${hostKey}\nPidFile none\nUsePAM no\nStrictModes no\nAuthorizedKeysFile ${userKey}.pub\nPasswordAuthentication no\nPermitRootLogin yes\nAllowTcpForwarding remote\nLogLevel ERROR\n`,
  );
  const server = await startServer(sshd, ['-D', '-e', '-f', config], { port });
  return {
    port,
    pid: server.pid,
    async forward(through, upstream) {
      const visitors = await freePort();
      let stopped = false;
      let client: ServerProcess | undefined;
      let timer: NodeJS.Timeout | undefined;
      const dial = async (): Promise<void> => {
        const options = [
          'StrictHostKeyChecking=no',
          'UserKnownHostsFile=/dev/null',
          'ExitOnForwardFailure=yes',
          'LogLevel=ERROR',
        ].flatMap((option) => ['-o', option]);
        const remote = ['-R', `127.0.0.1:${visitors}:127.0.0.1:${upstream}`, `${userInfo().username}@127.0.0.1`];
        const args = ['-F', 'none', '-N', '-T', '-i', userKey, '-p', String(through), ...options, ...remote];
        client = await startServer(ssh, args);
        client.child.once('exit', () => {
          if (!stopped) timer = setTimeout(() => void dial(), REDIAL_MS);
        });
      };
      await dial();
      return {
        visitors,
        said: () => client?.said() ?? '',
        pids: () => (client === undefined ? [] : [client.pid]),
        async stop() {
          stopped = true;
          clearTimeout(timer);
          await client?.stop();
        },
      };
    },
    stop: () => server.stop(),
  };
}
