import { expect, it } from 'vitest';
import type { Rendering } from './find-renderings.ts';
import { renderFailure } from './render-failure.ts';

const overlay: Rendering = {
  by: 'kustomize',
  dir: 'prod',
  entry: 'prod/kustomization.yaml',
  parts: ['prod', 'base'],
  remote: [],
};
const chart: Rendering = { by: 'helm', dir: 'shop', entry: 'shop/Chart.yaml', parts: ['shop'], remote: [] };
const texts = new Map([
  ['prod/kustomization.yaml', 'resources:\n  - ../base\npatches: [{ path: patch.yaml }]\nresource: []\n'],
  ['base/kustomization.yaml', 'resources:\n  - route.yaml\n'],
  ['base/route.yaml', 'a: b\n  c: [1\n'],
  ['prod/patch.yaml', '# words\nkind: Routes\nmetadata:\n  name: shop\n'],
]);

it.each<readonly [name: string, of: Rendering, words: string, place: string, problem: string]>([
  ['a file that is missing in a base', overlay, `Error: accumulating resources: accumulation err='accumulating resources from '../base': '/w/base' must resolve to a file': recursed accumulation of path '/w/base': accumulating resources: accumulation err='accumulating resources from 'route.yaml': evalsymlink failure on '/w/base/route.yaml' : lstat /w/base/route.yaml: no such file or directory': must build at directory: not a valid directory: evalsymlink failure on '/w/base/route.yaml' : lstat /w/base/route.yaml: no such file or directory`, 'base/kustomization.yaml:2:5', 'base/route.yaml is not there'],
  ['what kubectl logs in a line', overlay, `W0101 warning\nE1123 08:18:47.7 63 run.go:72] "command failed" err="invalid Kustomization: json: unknown field \\"resource\\""`, 'prod/kustomization.yaml:4:1', 'invalid Kustomization: json: unknown field "resource"'],
  ['what kubectl logs in several lines', overlay, `E1123 08:18:48.3 64 run.go:72] "command failed" err=<\n\ttrouble configuring: \`\n\tpath: patch.yaml\n\t\`: failed: lstat /w/prod/patch.yaml: no such file or directory\n >`, 'prod/kustomization.yaml:3:19', 'prod/patch.yaml is not there'],
  ['broken YAML in a file of a base', overlay, `error: accumulating resources: accumulation err='accumulating resources from '../base': '/w/base' must resolve to a file': recursed accumulation of path '/w/base': accumulating resources: accumulating resources from 'route.yaml': MalformedYAMLError: yaml: line 2: mapping values are not allowed in this context in File: route.yaml`, 'base/route.yaml:2:1', 'route.yaml: MalformedYAMLError: yaml: line 2: mapping values are not allowed in this context in File: route.yaml'],
  ['a kustomization that is no YAML', overlay, `Error: invalid Kustomization: yaml: line 3: did not find expected ',' or ']'`, 'prod/kustomization.yaml:3:1', `invalid Kustomization: yaml: line 3: did not find expected ',' or ']'`],
  ['a patch of what is not there', overlay, 'error: no resource matches strategic merge patch "Routes.v1.example.com/shop.[noNs]": no matches for Id Routes.v1.example.com/shop.[noNs]; failed to find unique target', 'prod/patch.yaml:2:1', 'no resource matches strategic merge patch "Routes.v1.example.com/shop.[noNs]": no matches for Id Routes.v1.example.com/shop.[noNs]; failed to find unique target'],
  ['a template that fails', chart, 'Error: template: shop/templates/x.yaml:2:10: executing "shop/templates/x.yaml" at <.Values.a.b>: nil pointer\n\nUse --debug flag', 'shop/templates/x.yaml:2:11', 'template: shop/templates/x.yaml:2:10: executing "shop/templates/x.yaml" at <.Values.a.b>: nil pointer'],
  ['a template that cannot be parsed', chart, 'Error: parse error at (shop/templates/x.yaml:2): unexpected "}" in if', 'shop/templates/x.yaml:2:1', 'parse error at (shop/templates/x.yaml:2): unexpected "}" in if'],
  ['a value that is required', chart, 'Error: execution error at (shop/templates/x.yaml:1:6): need a', 'shop/templates/x.yaml:1:7', 'execution error at (shop/templates/x.yaml:1:6): need a'],
  ['a template that gives no YAML', chart, 'Error: YAML parse error on shop/templates/x.yaml: error converting YAML to JSON: yaml: line 2: mapping values', 'shop/templates/x.yaml:1:1', 'YAML parse error on shop/templates/x.yaml: error converting YAML to JSON: yaml: line 2: mapping values'],
  ['values that are no YAML', chart, 'Error: cannot load values.yaml: error converting YAML to JSON: yaml: line 4: did not find expected node content', 'shop/values.yaml:4:1', 'cannot load values.yaml: error converting YAML to JSON: yaml: line 4: did not find expected node content'],
  ['a chart that is not one', chart, 'Error: validation: chart.metadata.version is required', 'shop/Chart.yaml:1:1', 'validation: chart.metadata.version is required'],
])('%s is placed where it is wrong', (_name, of, words, place, problem) => {
  const failure = renderFailure(of, words, '/w', texts);
  expect(`${failure?.file}:${failure?.line}:${failure?.column}`).toBe(place);
  expect(failure?.problem).toBe(problem);
}); // prettier-ignore

it('a program that said nothing is no failure with words', () => {
  expect(renderFailure(chart, '\n', '/w', texts)).toBeUndefined();
});
