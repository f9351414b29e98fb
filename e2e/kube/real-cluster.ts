import { join } from 'node:path';
import { createKube } from '../../main/kube/create-kube.ts';
import type { KubePort } from '../../main/kube/port.ts';
import { startApiServer } from './api-server.ts';
import type { ApiServer } from './api-server.ts';
import type { KubeBinaries } from './binaries.ts';
import { until } from './until.ts';

export const STRIP = 'traefik.io/Middleware/default/strip';
export const SERVICE = '/Service/default/pets';
/** One document of each sort: two custom resources, one of Kubernetes' own kinds, one whose data nobody may read. */
export const FILE = `apiVersion: traefik.io/v1alpha1
kind: Middleware
metadata:
  name: strip
spec:
  stripPrefix:
    prefixes:
      - /pets
---
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata:
  name: pets
spec:
  routes:
    - match: Host(\`pets.localhost\`)
      middlewares:
        - name: strip
      services:
        - name: pets
          port: 80
---
apiVersion: v1
kind: Service
metadata:
  name: pets
spec:
  ports:
    - port: 80
      targetPort: 8080
---
apiVersion: v1
kind: Secret
metadata:
  name: keys
stringData:
  key: not-to-be-read
`;

export interface RealCluster {
  readonly server: ApiServer;
  /** Not connected. Closed by `clean`, like those of `connected`. */
  kubeOf(kubeconfig?: string): KubePort;
  connected(context?: string): Promise<KubePort>;
  /** After each test: closes the ports and deletes the objects of `FILE` and the like. */
  clean(): Promise<void>;
  stop(): Promise<void>;
}

/** An API server with Traefik's kinds, and a user `reader` who may read Services and Middlewares of one namespace. */
export async function startRealCluster(binaries: KubeBinaries): Promise<RealCluster> {
  const server = await startApiServer(binaries, ['reader', 'nobody']);
  const { kubectl } = server;
  await installTraefikKinds(server);
  await kubectl(['create', 'role', 'reader', '--verb=get,list,watch', '--resource=services,middlewares.traefik.io']);
  await kubectl(['create', 'rolebinding', 'reader', '--role=reader', '--user=reader']);
  const open: KubePort[] = [];
  const kubeOf = (kubeconfig = server.kubeconfig) => {
    const kube = createKube({ env: { ...process.env, KUBECONFIG: kubeconfig } });
    open.push(kube);
    return kube;
  };
  return {
    server,
    kubeOf,
    connected: async (context = 'admin') => {
      const kube = kubeOf();
      const state = await kube.connect(context);
      if (!state.ok) throw new Error(JSON.stringify(state.error));
      return kube;
    },
    clean: async () => {
      for (const kube of open.splice(0)) await kube.close();
      await kubectl(['delete', 'middleware,ingressroute,secret,ingress', '--all', '--wait=false']);
      await kubectl(['delete', 'service', 'pets', '--ignore-not-found']);
    },
    stop: server.stop,
  };
}

export async function installTraefikKinds({ kubectl }: ApiServer): Promise<void> {
  await kubectl(['apply', '--server-side', '-f', join(import.meta.dirname, 'fixtures', 'traefik-crds.yaml')]);
  const names = ['crd/ingressroutes.traefik.io', 'crd/middlewares.traefik.io'];
  await kubectl(['wait', '--for=condition=Established', '--timeout=30s', ...names]);
  await until('Middleware is served', async () =>
    (await kubectl(['api-resources', '--api-group=traefik.io'])).includes('middlewares'),
  );
}
