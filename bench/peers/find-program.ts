import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Missing } from './peer.ts';

export interface Recipe {
  /** Name of the program, on `PATH` and in the cache. */
  readonly name: string;
  /** Of what is built; a program found on `PATH` is taken as it is. */
  readonly version: string;
  readonly tool: 'go' | 'cargo';
  /** Arguments of the tool; the program must then be at `into/name` or `into/bin/name`. */
  args(into: string): readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

const PROGRESS_MS = 20_000;

/** Path of a program: from `PATH`, from the cache, or built into the cache (`~/.cache/adit/peers-NAME-VERSION`). */
export async function findProgram(recipe: Recipe): Promise<string | Missing> {
  const found = await onPath(recipe.name);
  if (found !== undefined) return found;
  const into = join(homedir(), '.cache', 'adit', `peers-${recipe.name}-${recipe.version}`);
  const cached = await firstExecutable([join(into, recipe.name), join(into, 'bin', recipe.name)]);
  if (cached !== undefined) return cached;
  if ((await onPath(recipe.tool)) === undefined)
    return { missing: `neither ${recipe.name} nor ${recipe.tool} is on PATH` };
  console.error(`building ${recipe.name} ${recipe.version} into ${into}: the first time takes seconds to minutes …`);
  // A build that is killed leaves no half of a program, and two at once do not meet.
  const part = `${into}.${process.pid}.part`;
  await mkdir(part, { recursive: true });
  const error = await build(recipe, part);
  await rename(part, into).catch(async (failure: NodeJS.ErrnoException) => {
    await rm(part, { recursive: true });
    // Somebody else built it meanwhile.
    if (failure.code !== 'ENOTEMPTY' && failure.code !== 'EEXIST') throw failure;
  });
  const built = await firstExecutable([join(into, recipe.name), join(into, 'bin', recipe.name)]);
  return built ?? { missing: `${recipe.name} ${recipe.version} could not be built: ${error}` };
}

async function build(recipe: Recipe, into: string): Promise<string> {
  const started = Date.now();
  const child = spawn(recipe.tool, recipe.args(into), {
    cwd: recipe.cwd,
    env: { ...process.env, ...recipe.env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (data: Buffer) => (said = (said + data.toString()).slice(-2_000)));
  const progress = setInterval(
    () => console.error(`… ${recipe.name}, ${Math.round((Date.now() - started) / 1000)} s`),
    PROGRESS_MS,
  );
  const code = await new Promise<number | null>((done) => {
    child.once('error', (error) => ((said += error.message), done(null)));
    child.once('close', done);
  });
  clearInterval(progress);
  return code === 0 ? 'the tool ended well and left no program' : (said.trim().split('\n').at(-1) ?? `code ${code}`);
}

/** Path of a program on `PATH`. */
export async function onPath(name: string): Promise<string | undefined> {
  // Debian keeps servers in /usr/sbin, which is on the PATH of root alone.
  const folders = [...(process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== ''), '/usr/sbin'];
  return firstExecutable(folders.map((folder) => join(folder, name)));
}

async function firstExecutable(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const runs = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runs) return path;
  }
  return undefined;
}
