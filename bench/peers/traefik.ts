import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from './find-program.ts';
import type { Missing, Peer, RunningPeer } from './peer.ts';
import { traefikRecipe } from './recipes.ts';
import { freePort, startServer } from './server-process.ts';

/** Traefik as plain reverse proxy, configured by its file provider. */
export const traefikPeer: Peer = {
  name: 'traefik',
  start: (upstream) => startTraefik(upstream, ['PathPrefix(`/`)']),
};

/** Traefik with a route for each rule, all to the same upstream. */
export async function startTraefik(upstream: string, rules: readonly string[]): Promise<RunningPeer | Missing> {
  const program = await findProgram(traefikRecipe);
  if (typeof program !== 'string') return program;
  const dir = await mkdtemp(join(tmpdir(), 'adit-bench-'));
  const routes = join(dir, 'routes.yaml');
  await writeFile(
    routes,
    `http:
  routers:
${rules.map((rule, at) => `    r${at}: { rule: "${rule}", service: files, entryPoints: [web] }\n`).join('')}  services: { files: { loadBalancer: { servers: [{ url: "http://${upstream}" }] } } }
`,
  );
  const port = await freePort();
  const traefik = await startServer(
    program,
    [
      `--entrypoints.web.address=127.0.0.1:${port}`,
      `--providers.file.filename=${routes}`,
      '--global.checknewversion=false',
      '--global.sendanonymoususage=false',
      '--log.level=ERROR',
    ],
    { port },
  );
  return {
    address: `127.0.0.1:${port}`,
    parties: { proxy: traefik.pid },
    async stop() {
      await traefik.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
