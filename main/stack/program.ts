import { fileURLToPath } from 'node:url';

export type Role = 'control' | 'broker' | 'agent' | 'leash';

/**
 * Command line that runs one role of the product as a process of its own: from the bundle (`dist/ROLE.js`) when this
 * code runs from a bundle, from the sources under Node's type stripping otherwise.
 */
export function roleProgram(role: Role): { command: string; args: string[] } {
  const here = import.meta.url;
  const file = here.endsWith('.ts')
    ? fileURLToPath(new URL(`../../cli/roles/${role}.ts`, here))
    : fileURLToPath(new URL(`./${role}.js`, here));
  return { command: process.execPath, args: [file] };
}
