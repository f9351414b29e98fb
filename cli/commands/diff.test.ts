import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { folderOf, runCli, writeInto } from '../testing/run-cli.ts';

// Each run is a process that reads all of the sources.
vi.setConfig({ testTimeout: 90_000 });

const HUB = 'hub.traefik.io/v1alpha1';
const object = (apiVersion: string, kind: string, name: string, spec: string, more = ''): string =>
  `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: { name: ${name}, namespace: shop${more} }\n${spec}\n---\n`;
const route = (name: string, match: string, more = '', managed = ', annotations: { hub.traefik.io/api: pets }'): string =>
  object('traefik.io/v1alpha1', 'IngressRoute', name, `spec: { routes: [{ match: "${match}", services: [{ name: web, port: 80 }]${more} }] }`, managed); // prettier-ignore
const subscription = (spec = ''): string =>
  object(HUB, 'ManagedSubscription', 'gold', `spec: { apis: [{ name: pets }], managedApplications: [{ name: app }], apiPlan: { name: gold }${spec} }`); // prettier-ignore
const API = object(HUB, 'API', 'pets', 'spec: { openApiSpec: { path: /o, operationSets: [{ name: read, matchers: [{ methods: [GET], pathPrefix: /pets }] }] } }'); // prettier-ignore
const plan = (limit: number): string =>
  object(HUB, 'APIPlan', 'gold', `spec: { title: t, rateLimit: { limit: ${limit}, period: 1m } }`);
const auth = (how: string): string => object(HUB, 'APIAuth', 'auth', `spec: { isDefault: true, ${how} }`);
const BASE = {
  'README.md': 'no manifest',
  'm/api.yaml': API + object('v1', 'Service', 'web', 'spec: { ports: [{ port: 80 }] }'),
  'm/routes.yaml': route('pets', 'Host(`shop.test`)') + route('old', 'Path(`/old`)'),
  'm/access.yaml': auth('apiKey: {}') + plan(5) + subscription(', operationFilter: { include: [read] }'),
  'm/app.yaml': object(HUB, 'ManagedApplication', 'app', 'spec: { appId: a, owner: o, apiKeys: [{ value: k1 }] }'),
};

/** A repository with one commit, `first`. */
function repository(): ReturnType<typeof folderOf> & { commit(files: Record<string, string>): void } {
  const folder = folderOf({});
  const git = (...args: string[]): void =>
    void execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b.test', ...args], {
      cwd: folder.dir,
      stdio: 'ignore',
    });
  git('init', '-q', '-b', 'main');
  const commit = (files: Record<string, string>): void => {
    writeInto(folder.dir, files);
    git('add', '-A');
    git('commit', '-q', '--no-gpg-sign', '-m', 'change');
  };
  commit(BASE);
  git('tag', 'first');
  return { ...folder, commit };
}

it('says nothing of a change that changes nothing for callers', async () => {
  using repo = repository();
  repo.commit({ 'm/routes.yaml': `# words\n\n${BASE['m/routes.yaml']}` });
  const { code, out, err } = await runCli(repo.dir, ['diff', 'first..HEAD']);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toBe('## API changes first..HEAD\n\nNothing changes for callers.\n');
});

it('reports routes, access, limits, middlewares and problems of a pull request, from a folder of it', async () => {
  using repo = repository();
  const strip = object('traefik.io/v1alpha1', 'Middleware', 'strip', 'spec: { stripPrefix: { prefixes: [/a] } }');
  repo.commit({
    'm/routes.yaml':
      route('pets', 'Host(`shop.test`)', ', middlewares: [{ name: strip }]') + route('open', 'Path(`/open`) && !Method(`PUT`)', '', '') + strip,
    'm/access.yaml': auth('apiKey: {}') + plan(50) + subscription(),
    'm/app.yaml': BASE['m/app.yaml'].replace('[{ value: k1 }]', '[{ value: k1 }, { value: k2 }]').replace('owner: o, ', ''),
  });
  const { code, out } = await runCli(join(repo.dir, 'm'), ['diff', 'first...main', '.']);
  expect(out).toContain('## API changes first...main in m');
  for (const line of [
    '- ⚠️ wider: IngressRoute shop/open (path /open and not (method PUT)) is new and public: nobody has to prove anything',
    '- ⚠️ wider: application shop/app → API shop/pets: every operation; before only GET /pets…',
    '- ⚠️ wider: application shop/app: 1 key added',
    '- ⚠️ wider: plan shop/gold: rate limit 5 per min (subscription) → 50 per min (subscription)',
    '- IngressRoute shop/pets: strip-prefix shop/strip added',
  ]) expect(out).toContain(line);
  expect(out).toMatch(/### Routes added\n\n- IngressRoute shop\/open: path \/open and not \(method PUT\) → shop\/web:80 \(public\)/);
  expect(out).toMatch(/### Routes removed\n\n- IngressRoute shop\/old: path \/old → shop\/web:80 \(API key, API shop\/pets\)/);
  expect(out).toMatch(/### New problems\n\n(.*\n)*- error m\/app\.yaml:4 ManagedApplication shop\/app spec\.owner: Required value/);
  expect(code).toBe(1);
}); // prettier-ignore

it('compares with the files as they are, in both directions, as JSON, and fails on wider access when asked', async () => {
  using repo = repository();
  writeInto(repo.dir, { 'm/access.yaml': auth('keyless: {}') + plan(5) + subscription() });
  rmSync(join(repo.dir, 'm/app.yaml'));
  const plain = await runCli(repo.dir, ['diff', '--json', 'HEAD', 'm']);
  const diff = JSON.parse(plain.out) as {
    access: { direction: string; what: string }[];
    diagnostics: { added: { code: string }[]; fixed: { code: string }[] };
  };
  expect(diff.access).toContainEqual({
    direction: 'wider',
    what: 'IngressRoute shop/pets (host shop.test) is public now; before it asked for API key',
    file: 'm/routes.yaml',
    line: 4,
  });
  expect(diff.access).toContainEqual({
    direction: 'narrower',
    what: 'application shop/app → API shop/pets: may not call any more',
    file: 'm/access.yaml',
    line: 11,
  });
  expect(diff.diagnostics.added.map(({ code }) => code)).toContain('open-api');
  expect(diff.diagnostics.fixed.map(({ code }) => code)).toContain('clear-secret');

  repo.commit({ 'm/app.yaml': BASE['m/app.yaml'] });
  expect((await runCli(repo.dir, ['diff', 'first..main'])).code).toBe(0);
  expect((await runCli(repo.dir, ['diff', 'first..main', '--fail-on-widened'])).code).toBe(1);
  const back = await runCli(repo.dir, ['diff', 'main..first', '--fail-on-widened']);
  expect(back.out).toContain('🔒 narrower: IngressRoute shop/pets (host shop.test) asks for API key now');
  expect(back.code).toBe(0);
});

it('ends with 2 for what is no revision or no folder, and never takes a name for an option', async () => {
  using repo = repository();
  for (const [range, words] of [
    ['nowhere..HEAD', 'adit: nowhere: no such revision'],
    ['--output=x..HEAD', 'no such revision'],
  ] as const) {
    const { code, err } = await runCli(repo.dir, ['diff', '--', range]);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(words) });
  }
  const missing = await runCli(repo.dir, ['diff', 'HEAD', 'gone']);
  expect(missing).toEqual({ code: 2, out: '', err: 'adit: gone: no such folder\n' });
  using plain = folderOf({});
  const outside = await runCli(plain.dir, ['diff', 'HEAD']);
  expect(outside.code).toBe(3);
  expect(outside.err).toMatch(/^adit: .*repository/i);
});

it('lets no text of a manifest become markup or mention people', async () => {
  using repo = repository();
  const evil = route('evil', 'Path(`/<img src=x>@team|**`)', '', '');
  repo.commit({ 'm/routes.yaml': BASE['m/routes.yaml'] + evil });
  const { out } = await runCli(repo.dir, ['diff', 'first..HEAD']);
  expect(out).toContain(String.raw`/\<img src=x\>`);
  expect(out).not.toMatch(/(?<!\\)<img|@team/);
});
