import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type Role = 'control' | 'broker' | 'agent' | 'leash';

/**
 * Command line that runs one role of the product as a process of its own: from the bundle (`dist/ROLE.js`) when this
 * code runs from a bundle, from the sources under Node's type stripping otherwise.
 */
export function roleProgram(role: Role): { command: string; args: string[] } {
  const here = import.meta.url;
  if (process.versions['electron'] !== undefined) return electronProgram(role, fileURLToPath(here));
  const file = here.endsWith('.ts')
    ? fileURLToPath(new URL(`../../cli/roles/${role}.ts`, here))
    : join(bundleFolder(here), `${role}.js`);
  return { command: process.execPath, args: [file] };
}

/** Of the roles: this code is in `dist/adit.js` or in a part of it, which lie in `dist/adit/`. */
function bundleFolder(here: string): string {
  const folder = dirname(fileURLToPath(here));
  return basename(folder) === 'adit' ? dirname(folder) : folder;
}

/**
 * Electron's binary does not run as Node (fuse `runAsNode`): the package brings a Node of its own, which cannot read the
 * archive, so the roles lie beside it (`electron-builder.yml`). A checkout has Node in `node_modules`.
 */
function electronProgram(role: Role, here: string): { command: string; args: string[] } {
  const executable = process.platform === 'win32' ? 'node.exe' : 'node';
  const packaged = here.includes(`app.asar`);
  const root = join(here, '../../..');
  return packaged
    ? {
        command: join(process.resourcesPath, 'node', executable),
        args: [join(process.resourcesPath, 'app.asar.unpacked/dist', `${role}.js`)],
      }
    : { command: join(root, 'node_modules/node/bin', executable), args: [join(root, 'dist', `${role}.js`)] };
}
