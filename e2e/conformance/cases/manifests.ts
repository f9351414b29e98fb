import type { Ask } from '../exchange.ts';

/** An IngressRoute with one route for each rule, in order; the services alternate so that the answer tells which matched. */
export function rules(...matches: (string | { match: string; priority: number })[]): string {
  const services = ['echo', 'second', 'third'];
  const routes = matches.map((one, at) => {
    const { match, priority } = typeof one === 'string' ? { match: one, priority: undefined } : one;
    return [
      `    - kind: Rule`,
      `      match: ${JSON.stringify(match)}`,
      ...(priority === undefined ? [] : [`      priority: ${priority}`]),
      `      services: [{ name: ${services[at % services.length]}, port: \${PORT} }]`,
    ].join('\n');
  });
  return `apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: { name: rules, namespace: conf }
spec:
  routes:
${routes.join('\n')}
`;
}

/** Plain GETs of the first host. */
export const get = (...targets: string[]): Ask[] => targets.map((target) => ({ target }));

export const APP = 'Host(`app.test`)';

/** A Middleware; `spec` is YAML in flow style or indented by two. */
export function middleware(name: string, spec: string): string {
  const body = spec.startsWith('\n') ? spec : ` ${spec}`;
  return `---
apiVersion: traefik.io/v1alpha1
kind: Middleware
metadata: { name: ${name}, namespace: conf }
spec:${body}
`;
}

/** An IngressRoute that sends all of the first host through the middlewares to `echo`. */
export function through(...middlewares: readonly string[]): string {
  return `---
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: { name: through, namespace: conf }
spec:
  routes:
    - kind: Rule
      match: Host(\`app.test\`) && PathPrefix(\`\${PREFIX}\`)
      middlewares: [${middlewares.map((name) => `{ name: ${name} }`).join(', ')}]
      services: [{ name: echo, port: \${PORT} }]
`;
}
