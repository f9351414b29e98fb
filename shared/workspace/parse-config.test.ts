import { expect, test } from 'vitest';
import { parseWorkspaceConfig } from './parse-config.ts';

test('an empty file is a workspace with defaults', () => {
  expect(parseWorkspaceConfig('')).toEqual({
    config: {
      namespace: 'default',
      upstreams: {},
      preview: { https: false },
      traefik: { allowCrossNamespace: false, strictPrefixMatching: false },
      lint: { custom: [], severities: {} },
    },
    problems: [],
  });
});

test('a command and a URL are upstreams', () => {
  const { config, problems } = parseWorkspaceConfig(
    'upstreams:\n  shop/pets: { command: node pets.mjs }\n  orders: { url: "http://127.0.0.1:3000" }\n',
  );
  expect(problems).toEqual([]);
  expect(config.upstreams).toEqual({
    'shop/pets': { command: 'node pets.mjs', env: {} },
    orders: { url: 'http://127.0.0.1:3000' },
  });
});

test('a wrong value is named with its line, column and path', () => {
  const { problems } = parseWorkspaceConfig('name: shop\nnamespace: [a]\n');
  expect(problems).toEqual([expect.objectContaining({ file: 'adit.yaml', line: 2, column: 12, path: 'namespace' })]);
});

test('an unknown key is a problem, not silence', () => {
  const { problems } = parseWorkspaceConfig('upstream: {}\n');
  expect(problems[0]?.message).toContain('upstream');
});

test('broken YAML is a problem at its place', () => {
  const { problems } = parseWorkspaceConfig('name: "shop\nother: 1\n');
  expect(problems).toHaveLength(1);
  expect(problems[0]?.line).toBeGreaterThan(0);
});
