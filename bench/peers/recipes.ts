import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Recipe } from './find-program.ts';

const here = import.meta.dirname;
const goTunnelSources = join(here, 'go-tunnel');

/** How each peer is built, at a pinned version. */
export const goTunnelRecipe: Recipe = {
  name: 'adit-bench-go-tunnel',
  version: createHash('sha256')
    .update(readFileSync(join(goTunnelSources, 'main.go')))
    .update(readFileSync(join(goTunnelSources, 'go.sum')))
    .digest('hex')
    .slice(0, 12),
  tool: 'go',
  cwd: goTunnelSources,
  args: (into) => ['build', '-mod=readonly', '-o', join(into, 'adit-bench-go-tunnel'), '.'],
};

export const traefikRecipe: Recipe = {
  name: 'traefik',
  version: 'v3.6.12',
  tool: 'go',
  cwd: join(here, 'traefik'),
  args: (into) => [
    'build',
    '-mod=readonly',
    '-ldflags=-s -w',
    '-o',
    join(into, 'traefik'),
    'github.com/traefik/traefik/v3/cmd/traefik',
  ],
};

export const ratholeRecipe: Recipe = {
  name: 'rathole',
  version: '0.5.0',
  tool: 'cargo',
  // Its own lock names versions that do not compile any more: not `--locked`.
  args: (into) => [
    'install',
    'rathole',
    '--version',
    '0.5.0',
    '--no-default-features',
    '--features',
    'server,client,hot-reload,websocket,noise',
    '--root',
    into,
  ],
};

export const boreRecipe: Recipe = {
  name: 'bore',
  version: '0.6.0',
  tool: 'cargo',
  args: (into) => ['install', 'bore-cli', '--version', '0.6.0', '--locked', '--root', into],
};
