import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Programs of a real control plane and the second client. */
export interface KubeBinaries {
  readonly etcd: string;
  readonly apiServer: string;
  readonly kubectl: string;
}

const VERSION = 'v1.37.2';
/** Without it the programs would call themselves v0.0.0-master, and kubectl could not read its own version. */
const LINK = `-s -w -X k8s.io/component-base/version.gitVersion=${VERSION}`;
const TOOLS = join(dirname(fileURLToPath(import.meta.url)), 'tools');
/** Smallest first, so that a machine that cannot build says so soon. */
const PROGRAMS = [
  { name: 'etcd', source: 'go.etcd.io/etcd/server/v3' },
  { name: 'kubectl', source: 'k8s.io/kubernetes/cmd/kubectl' },
  { name: 'kube-apiserver', source: 'k8s.io/kubernetes/cmd/kube-apiserver' },
] as const;

/**
 * Finds the programs in `KUBEBUILDER_ASSETS`, else on `PATH`, else builds them from Go modules into
 * `~/.cache/adit/kube-VERSION` (minutes, once). Undefined, with the reason printed, where that is not possible; with
 * `CI=true` that is an error, because a green run must have had a real API server.
 */
export async function kubeBinaries(): Promise<KubeBinaries | undefined> {
  const assets = process.env['KUBEBUILDER_ASSETS'];
  if (assets !== undefined && assets !== '') {
    const found = await completeIn(assets);
    if (found) return found;
    return missing(`KUBEBUILDER_ASSETS=${assets} lacks one of ${PROGRAMS.map(({ name }) => name).join(', ')}`);
  }
  const onPath = await onPathOf('kube-apiserver', 'etcd', 'kubectl');
  if (onPath) return onPath;
  const cache = join(homedir(), '.cache', 'adit', `kube-${VERSION}`);
  const cached = await completeIn(cache);
  if (cached) return cached;
  if (!(await findOnPath('go'))) return missing('neither the programs nor `go` (to build them) are on this machine');
  await mkdir(cache, { recursive: true });
  for (const { name, source } of PROGRAMS) {
    if (!(await executable(join(cache, name)))) await build(name, source, cache);
  }
  return await completeIn(cache);
}

function missing(why: string): undefined {
  const message = `REAL API SERVER: ${why}.`;
  if (process.env['CI'] === 'true') throw new Error(`${message} CI=true requires it.`);
  console.warn(`${message} SKIPPING every test against it. Install Go or set KUBEBUILDER_ASSETS.`);
  return undefined;
}

async function build(name: string, source: string, cache: string): Promise<void> {
  console.log(`building ${name} ${VERSION} from Go modules into ${cache} (the first time takes minutes) …`);
  const started = Date.now();
  const part = join(cache, `${name}.${process.pid}.part`);
  const args = ['build', '-trimpath', `-ldflags=${LINK}`, '-o', part, source];
  const child = spawn('go', args, {
    cwd: TOOLS,
    env: { ...process.env, CGO_ENABLED: '0' },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const progress = setInterval(() => {
    console.log(`… still building ${name}, ${Math.round((Date.now() - started) / 1000)} s`);
  }, 30_000);
  try {
    const code = await new Promise<number | null>((done, failed) => {
      child.once('error', failed);
      child.once('close', done);
    });
    if (code !== 0) throw new Error(`go ${args.join(' ')} in ${TOOLS} ended with ${code}`);
    await rename(part, join(cache, name));
    console.log(`built ${name} in ${Math.round((Date.now() - started) / 1000)} s`);
  } finally {
    clearInterval(progress);
    await rm(part, { force: true });
  }
}

async function completeIn(dir: string): Promise<KubeBinaries | undefined> {
  const found = { etcd: join(dir, 'etcd'), apiServer: join(dir, 'kube-apiserver'), kubectl: join(dir, 'kubectl') };
  for (const path of Object.values(found)) if (!(await executable(path))) return undefined;
  return found;
}

async function onPathOf(
  apiServerName: string,
  etcdName: string,
  kubectlName: string,
): Promise<KubeBinaries | undefined> {
  const [apiServer, etcd, kubectl] = await Promise.all([apiServerName, etcdName, kubectlName].map(findOnPath));
  return apiServer && etcd && kubectl ? { apiServer, etcd, kubectl } : undefined;
}

async function findOnPath(name: string): Promise<string | undefined> {
  for (const dir of (process.env['PATH'] ?? '').split(delimiter)) {
    if (dir !== '' && (await executable(join(dir, name)))) return join(dir, name);
  }
  return undefined;
}

async function executable(path: string): Promise<boolean> {
  return await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
