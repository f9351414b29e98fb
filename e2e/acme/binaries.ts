import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** An ACME server for tests, and the name server that it asks. */
export interface AcmeBinaries {
  readonly pebble: string;
  readonly challtestsrv: string;
}

const VERSION = 'v2.10.1';
const TOOLS = join(import.meta.dirname, 'tools');
const SOURCE = 'github.com/letsencrypt/pebble/v2/cmd';

/**
 * Builds the programs from Go modules into `~/.cache/adit/pebble-VERSION`, once. Undefined, with the reason printed,
 * where there is no Go; with `CI=true` that is an error, because a green run must have had a real authority.
 */
export async function acmeBinaries(): Promise<AcmeBinaries | undefined> {
  const cache = join(homedir(), '.cache', 'adit', `pebble-${VERSION}`);
  const found = { pebble: join(cache, 'pebble'), challtestsrv: join(cache, 'pebble-challtestsrv') };
  if (!(await hasGo())) {
    const message = 'ACME SERVER: there is no `go` on the PATH to build it.';
    if (process.env['CI'] === 'true') throw new Error(`${message} CI=true requires it.`);
    console.warn(`${message} SKIPPING every test against it.`);
    return undefined;
  }
  await mkdir(cache, { recursive: true });
  for (const path of Object.values(found)) if (!(await executable(path))) await build(path);
  return found;
}

async function build(path: string): Promise<void> {
  const name = path.slice(path.lastIndexOf('/') + 1);
  console.log(`building ${name} ${VERSION} from Go modules …`);
  const part = `${path}.${process.pid}.part`;
  const args = ['build', '-mod=readonly', '-trimpath', '-o', part, `${SOURCE}/${name}`];
  const child = spawn('go', args, {
    cwd: TOOLS,
    env: { ...process.env, CGO_ENABLED: '0' },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  try {
    const code = await new Promise<number | null>((done, failed) => {
      child.once('error', failed);
      child.once('close', done);
    });
    if (code !== 0) throw new Error(`go ${args.join(' ')} in ${TOOLS} ended with ${code}`);
    await rename(part, path);
  } finally {
    await rm(part, { force: true });
  }
}

async function hasGo(): Promise<boolean> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter))
    if (folder !== '' && (await executable(join(folder, 'go')))) return true;
  return false;
}

async function executable(path: string): Promise<boolean> {
  return await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
