import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build, type InlineConfig } from 'vite';
import { leanChunks } from './lean-chunks.ts';
import { sourceDigest, STAMP } from './source-digest.ts';

/**
 * `dist/`: the user interface, and one file for the command line and for each role that runs as a process of its own.
 * What is external stays a package.
 */
const root = join(import.meta.dirname, '..');
const programs = {
  adit: 'cli/main.ts',
  control: 'cli/roles/control.ts',
  broker: 'cli/roles/broker.ts',
  agent: 'cli/roles/agent.ts',
  // A thread of the agent; among its parts, and hence after them.
  'agent/bcrypt-worker': 'agent/gateway/middlewares/bcrypt-worker.ts',
  leash: 'cli/roles/leash.ts',
};
/** A part of an earlier build may be asked for by a process that runs since; no longer than that. */
const KEEP_PARTS_MS = 24 * 3_600_000;
/** Cannot be bundled. */
const NATIVE = ['@parcel/watcher', 'bufferutil', 'utf-8-validate', 'electron'];
/** The Kubernetes client is 15 MB that only a kubeconfig with an `auth-provider` needs. */
const EXTERNAL = [...NATIVE, '@kubernetes/client-node'];

export async function buildAll(): Promise<void> {
  const digest = await sourceDigest();
  await mkdir(join(root, 'dist'), { recursive: true });
  await rm(join(root, STAMP), { force: true });
  for (const [name, entry] of Object.entries(programs)) {
    await forgetParts(join(root, 'dist', name));
    await build(program(name, entry));
  }
  await build(electronMain);
  await build(electronPreload);
  await build({ configFile: join(root, 'renderer/vite.config.ts'), logLevel: 'warn' });
  // Last: a build that was interrupted is stale.
  await writeFile(join(root, STAMP), digest);
}

/** Of builds a day ago and older. Names of parts have a digest of what is in them, so that those of several builds lie side by side. */
async function forgetParts(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  for (const name of names) {
    const path = join(folder, name);
    if (Date.now() - (await stat(path)).mtimeMs > KEEP_PARTS_MS) await rm(path);
  }
}

function program(name: string, entry: string): InlineConfig {
  const isElectron = name.startsWith('electron/');
  return {
    configFile: false,
    root,
    logLevel: 'warn',
    plugins: isElectron ? [] : [leanChunks()],
    build: {
      ssr: join(root, entry),
      outDir: join(root, 'dist'),
      emptyOutDir: false,
      target: 'node24',
      minify: false,
      rolldownOptions: {
        // On the global object these are accessors, which are called anew for each use.
        transform: { inject: { Buffer: ['node:buffer', 'Buffer'], performance: ['node:perf_hooks', 'performance'] } },
        output: {
          entryFileNames: `${name}.js`,
          chunkFileNames: `${name}/[name]-[hash].js`,
          // What not every run needs is loaded when it is needed: the parts lie in `dist/NAME/`.
          codeSplitting: !isElectron,
          // What is loaded stays in memory with its text.
          comments: { legal: true, annotation: false, jsdoc: false },
          // Packages in CommonJS form ask for `require`; an ES module has none.
          banner: `${name === 'adit' ? '#!/usr/bin/env node\n' : ''}import { createRequire as __createRequire } from 'node:module';\nconst require = __createRequire(import.meta.url);`,
        },
      },
    },
    ssr: { noExternal: true, external: EXTERNAL, target: 'node' },
  };
}

/** The desktop shell: everything in one file but what Electron and the system bring. */
const electronMain: InlineConfig = {
  ...program('electron/main', 'main/electron/main.ts'),
  ssr: { noExternal: true, external: NATIVE, target: 'node' },
};

/** A sandboxed preload must be one CommonJS file. */
const electronPreload: InlineConfig = {
  configFile: false,
  root,
  logLevel: 'warn',
  build: {
    ssr: join(root, 'main/electron/preload.ts'),
    outDir: join(root, 'dist/electron'),
    emptyOutDir: false,
    target: 'node24',
    minify: false,
    rolldownOptions: { output: { format: 'cjs', entryFileNames: 'preload.cjs', codeSplitting: false } },
  },
  ssr: { noExternal: true, external: ['electron'], target: 'node' },
};

if (import.meta.main) {
  if (process.argv.includes('--clean')) await rm(join(root, 'dist'), { recursive: true, force: true });
  await buildAll();
}
