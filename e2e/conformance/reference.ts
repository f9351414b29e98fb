import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { findProgram } from '../../bench/peers/find-program.ts';
import { traefikRecipe } from '../../bench/peers/recipes.ts';
import { freePort, startServer } from '../../bench/peers/server-process.ts';
import { ADMIN, startApiServer } from '../kube/api-server.ts';
import type { TraefikOptions } from '../../shared/manifests/index.ts';
import type { KubeBinaries } from '../kube/binaries.ts';
import { until } from '../support/running-stack.ts';
import { pathOf, type KubeObject } from './objects.ts';

/** A real Traefik in front of a real API server. */
export interface Reference {
  readonly address: string;
  readonly port: number;
  apply(objects: readonly KubeObject[]): Promise<void>;
  remove(objects: readonly KubeObject[]): Promise<void>;
  /** The end of what Traefik logged. */
  log(): string;
  stop(): Promise<void>;
}

/** Names of the API groups that must be served before Traefik starts to watch them. */
const GROUPS = { 'traefik.io': 'middlewares', 'gateway.networking.k8s.io': 'httproutes' } as const;

export async function startReference(binaries: KubeBinaries, options: TraefikOptions): Promise<Reference> {
  const program = await findProgram(traefikRecipe);
  if (typeof program !== 'string') throw new Error(`no Traefik: ${program.missing}`);
  const server = await startApiServer(binaries, [], { serviceRange: '127.1.0.0/24' });
  try {
    for (const file of kindFiles()) await server.kubectl(['apply', '--server-side', '-f', file]);
    for (const [group, kind] of Object.entries(GROUPS)) {
      await until(`${group} is served`, async () =>
        (await server.kubectl(['api-resources', `--api-group=${group}`])).includes(kind),
      );
    }
    const dispatcher = new Agent({ connect: { ca: readFileSync(server.caFile, 'utf8') } });
    const call = async (method: 'PATCH' | 'DELETE', object: KubeObject): Promise<void> => {
      const query = method === 'PATCH' ? '?fieldManager=conformance&force=true' : '?gracePeriodSeconds=0';
      const answer = await request(`${server.url}${pathOf(object)}${query}`, {
        dispatcher,
        method,
        headers: { authorization: `Bearer ${ADMIN}-token`, 'content-type': 'application/apply-patch+yaml' },
        ...(method === 'PATCH' ? { body: JSON.stringify(object) } : {}),
      });
      const text = await answer.body.text();
      const gone = method === 'DELETE' && answer.statusCode === 404;
      if (answer.statusCode >= 300 && !gone) {
        throw new Error(`${method} ${object.kind} ${object.metadata.name}: ${answer.statusCode} ${text.slice(0, 800)}`);
      }
    };
    const port = await freePort();
    const traefik = await startServer(
      program,
      [
        `--entrypoints.web.address=127.0.0.1:${port}`,
        '--providers.kubernetescrd',
        `--providers.kubernetescrd.allowcrossnamespace=${options.allowCrossNamespace}`,
        '--providers.kubernetescrd.nativelbbydefault=true',
        '--providers.kubernetesingress',
        `--providers.kubernetesingress.strictprefixmatching=${options.strictPrefixMatching}`,
        '--providers.kubernetesingress.nativelbbydefault=true',
        '--providers.kubernetesgateway',
        '--providers.kubernetesgateway.nativelbbydefault=true',
        '--providers.providersthrottleduration=1ms',
        '--global.checknewversion=false',
        '--global.sendanonymoususage=false',
        '--log.level=INFO',
      ],
      { port, env: { KUBECONFIG: server.kubeconfig } },
    );
    return {
      address: `127.0.0.1:${port}`,
      port,
      async apply(objects) {
        for (const object of objects) await call('PATCH', object);
      },
      async remove(objects) {
        for (const object of objects.toReversed()) await call('DELETE', object);
      },
      log: () => traefik.said(),
      async stop() {
        await traefik.stop();
        await dispatcher.destroy();
        await server.stop();
      },
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** The kinds' definitions, from the Go modules that Traefik is built from. */
function kindFiles(): string[] {
  const cwd = join(import.meta.dirname, '../../bench/peers/traefik');
  execFileSync('go', ['mod', 'download', 'github.com/traefik/traefik/v3', 'sigs.k8s.io/gateway-api'], { cwd });
  const folder = (module: string): string =>
    execFileSync('go', ['list', '-m', '-f', '{{.Dir}}', module], { cwd, encoding: 'utf8' }).trim();
  return [
    join(
      folder('github.com/traefik/traefik/v3'),
      'docs/content/reference/dynamic-configuration/kubernetes-crd-definition-v1.yml',
    ),
    ...['gatewayclasses', 'gateways', 'httproutes', 'grpcroutes', 'referencegrants', 'backendtlspolicies'].map((kind) =>
      join(folder('sigs.k8s.io/gateway-api'), `config/crd/standard/gateway.networking.k8s.io_${kind}.yaml`),
    ),
  ];
}
