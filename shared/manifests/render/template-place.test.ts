import { expect, it } from 'vitest';
import { templateSection } from './template-place.ts';

const ROUTE = `{{- if .Values.enabled }}
# words
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata:
  name: {{ include "name" . }}
  labels:
    {{- include "labels" . | nindent 4 }}
spec:
  entryPoints: [web]
  routes:
    - match: Host(\`{{ .Values.host }}\`)
      services:
        - name: web
          port: 80
{{- end }}
`;
const ref = (kind: string, name = 'x') => ({ apiVersion: 'v1', kind, namespace: 'default', name });

it('a field is where the template writes it, or where the nearest around it is', () => {
  const section = templateSection(ROUTE, ref('IngressRoute'));
  const at = (...path: readonly (string | number)[]): string => {
    const { start, end } = section?.locate(path) ?? { start: undefined, end: undefined };
    return `${start?.line}:${start?.column}-${end?.column}`;
  };
  expect(section?.range).toEqual({ start: { line: 3, column: 1 }, end: { line: 15, column: 19 } });
  expect(at('spec', 'routes', 0, 'match')).toBe('12:7-40');
  expect(at('spec', 'routes', 0, 'services', 0, 'port')).toBe('15:11-19');
  expect(at('spec', 'entryPoints', 0)).toBe('10:3-21');
  // Made by an include, and by nothing at all.
  expect(at('metadata', 'labels', 'app')).toBe('7:3-10');
  expect(at('spec', 'tls', 'secretName')).toBe('9:1-6');
  expect(at('status')).toBe('3:1-1');
});

it('of several in a list none is taken for certain', () => {
  const section = templateSection(ROUTE.replace('{{- end }}', '    - match: Host(`b`)\n'), ref('IngressRoute'));
  expect(section?.locate(['spec', 'routes', 1, 'match']).start).toEqual({ line: 11, column: 3 });
});

it('of several documents that one counts which says the kind, and the name where several do', () => {
  const service = (name: string): string => `kind: "Service"\nmetadata:\n  name: ${name}\nspec:\n  ports: []\n`;
  const source = `${service('a')}---\n${service('b')}--- # more\n${ROUTE}`;
  expect(templateSection(source, ref('Service', 'b'))?.locate(['spec', 'ports']).start.line).toBe(11);
  expect(templateSection(source, ref('IngressRoute', 'b'))?.range.start.line).toBe(15);
  expect(templateSection(source, ref('Service', 'made'))).toBeUndefined();
  expect(templateSection('{{ include "all" . }}', ref('Service'))).toBeUndefined();
});

it('hostile lines cost no more than their length', () => {
  const long = 200_000;
  const lines = [
    '-'.repeat(long),
    ' '.repeat(long),
    `a: ${' '.repeat(long)}b`,
    `${'a.'.repeat(long)}`,
    '"'.repeat(long),
  ];
  const before = process.cpuUsage();
  expect(templateSection(`kind: X\n${lines.join('\n')}\n`, ref('X'))?.range.start.line).toBe(1);
  expect(process.cpuUsage(before).user).toBeLessThan(2_000_000);
});
