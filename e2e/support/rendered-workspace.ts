import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sampleWorkspace, type SampleWorkspace } from './sample-workspace.ts';

const route = (name: string, path: string): string => `apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata:
  name: ${name}
spec:
  routes:
    - kind: Rule
      match: PathPrefix(\`${path}\`)
      middlewares:
        - name: ${name}-strip
      services:
        - name: pets
          port: 80
`;
const strip = (name: string, path: string): string => `apiVersion: traefik.io/v1alpha1
kind: Middleware
metadata:
  name: ${name}-strip
spec:
  stripPrefix:
    prefixes:
      - ${path}
`;

/** An overlay whose base lies outside of what is read as manifests, and a chart with a template of no other kind of name. */
const files = {
  'base/kustomization.yaml': 'resources:\n  - route.yaml\n  - strip.yaml\n',
  'base/route.yaml': `# What every environment has.\n${route('overlaid', '/base')}`,
  'base/strip.yaml': strip('overlaid', '/prod'),
  'overlays/prod/kustomization.yaml':
    'namespace: petstore\nresources:\n  - ../../base\npatches:\n  - path: route-patch.yaml\n',
  'overlays/prod/route-patch.yaml': `# Production is reached by another path.\n${route('overlaid', '/prod')}`,
  'charts/charted/Chart.yaml': 'apiVersion: v2\nname: charted\nversion: 0.1.0\n',
  'charts/charted/values.yaml': 'path: /chart\n',
  'charts/charted/templates/_names.tpl': '{{- define "path" -}}{{ .Values.path }}{{- end -}}\n',
  'charts/charted/templates/route.yaml': route('charted', '{{ include "path" . }}'),
  'charts/charted/templates/strip.yaml': strip('charted', '{{ include "path" . }}'),
};

/** The sample with an overlay and a chart beside its manifests, committed. */
export function renderedWorkspace(): SampleWorkspace {
  const workspace = sampleWorkspace();
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(workspace.dir, path)), { recursive: true });
    writeFileSync(join(workspace.dir, path), text);
  };
  for (const [path, text] of Object.entries(files)) write(path, text);
  write(
    'adit.yaml',
    `name: petstore
namespace: petstore
manifests: [manifests, overlays/prod, charts]
upstreams:
  petstore/pets:
    command: [node, services/pets.mjs]
  petstore/orders:
    command: [node, services/pets.mjs]
`,
  );
  workspace.git('add', '--all');
  workspace.git('commit', '--message', 'An overlay and a chart');
  return workspace;
}
