import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FolderSource } from './folder-source.ts';
import type { SourceUpdate } from './source.ts';

let dir: string;
let source: FolderSource | undefined;
let updates: SourceUpdate[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'adit-source-'));
  updates = [];
});
afterEach(async () => {
  await source?.close();
  source = undefined;
  await rm(dir, { recursive: true, force: true });
});

function ingress(name: string, path: string): string {
  return `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: ${name}, namespace: shop }
spec:
  rules:
    - http:
        paths:
          - { path: ${path}, pathType: Prefix, backend: { service: { name: web, port: { number: 80 } } } }
`;
}
const service = `apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { ports: [{ port: 80 }] }
`;

async function start(sweepMs = 60_000, upstreams: Record<string, string> = {}): Promise<FolderSource> {
  source = new FolderSource({
    dir,
    upstreams,
    onUpdate: (update) => updates.push(update),
    log: pino({ level: 'silent' }),
    sweepMs,
  });
  await source.start();
  return source;
}

/** Path prefixes that the last configuration routes. */
function routed(): string[] {
  const last = updates.findLast((update) => update.kind === 'config');
  return (last?.config.routes ?? [])
    .map(({ match }) => /"(?:prefix|path)":"([^"]+)"/.exec(JSON.stringify(match))?.[1] ?? '?')
    .toSorted();
}

const write = (path: string, text: string) => writeFile(join(dir, path), text);

test('an edit, a new file, a removed one and one in a new nested folder become live', async () => {
  await write('service.yaml', service);
  await write('routes.yaml', ingress('a', '/one'));
  await start();
  expect(routed()).toEqual(['/one']);
  await write('routes.yaml', ingress('a', '/two'));
  await expect.poll(routed).toEqual(['/two']);
  // As most editors save: a rename over the file.
  await write('routes.yaml.tmp', ingress('a', '/three'));
  await rename(join(dir, 'routes.yaml.tmp'), join(dir, 'routes.yaml'));
  await expect.poll(routed).toEqual(['/three']);
  await mkdir(join(dir, 'deep/er'), { recursive: true });
  await write('deep/er/more.yaml', ingress('b', '/four'));
  await expect.poll(routed, { timeout: 10_000 }).toEqual(['/four', '/three']);
  await write('deep/er/more.yaml', ingress('b', '/five'));
  await expect.poll(routed, { timeout: 10_000 }).toEqual(['/five', '/three']);
  await rm(join(dir, 'deep'), { recursive: true });
  await expect.poll(routed, { timeout: 10_000 }).toEqual(['/three']);
});

test('what events missed, the sweep finds', async () => {
  await write('service.yaml', service);
  await start(20);
  for (let round = 0; round < 5; round++) {
    await rm(join(dir, 'x'), { recursive: true, force: true });
    await mkdir(join(dir, 'x/y/z'), { recursive: true });
    await write('x/y/z/r.yaml', ingress('r', `/round${round}`));
    await expect.poll(routed, { timeout: 10_000 }).toEqual([`/round${round}`]);
  }
});

test('a file that is emptied counts only when it stays empty', async () => {
  await write('service.yaml', service);
  await write('routes.yaml', ingress('a', '/one'));
  await start();
  await write('routes.yaml', '');
  await expect.poll(routed).toEqual([]);
  await write('routes.yaml', ingress('a', '/two'));
  await expect.poll(routed).toEqual(['/two']);
});

test('a broken edit is refused with file and line while its last good version and all else serve, until it is repaired', async () => {
  await write('service.yaml', service);
  await write('routes.yaml', ingress('a', '/one'));
  await start();
  await write('routes.yaml', ingress('a', '/one').replace('kind: Ingress', 'kind: [Ingress'));
  await expect
    .poll(() => updates.at(-1))
    .toMatchObject({ kind: 'config', errors: { first: expect.stringMatching(/^routes\.yaml:\d+: /) } });
  expect(routed()).toEqual(['/one']);
  await write('more.yaml', ingress('b', '/beside'));
  await expect.poll(routed).toEqual(['/beside', '/one']);
  await rm(join(dir, 'more.yaml'));
  await write('routes.yaml', ingress('a', '/two'));
  await expect.poll(routed).toEqual(['/two']);
});

test('unsaved buffers stand in for files, until they are no longer given', async () => {
  await write('service.yaml', service);
  await write('routes.yaml', ingress('a', '/disk'));
  const overlay = (files: Record<string, string | null>): void => source?.overlay(files);
  await start();
  overlay({ 'routes.yaml': ingress('a', '/buffer'), 'new.yaml': ingress('b', '/new') });
  expect(routed()).toEqual(['/buffer', '/new']);
  overlay({ 'routes.yaml': null });
  expect(routed()).toEqual([]);
  overlay({});
  expect(routed()).toEqual(['/disk']);
});

test('adit.yaml names the workspace, its folders and its upstreams; the caller comes first', async () => {
  await mkdir(join(dir, 'manifests'));
  await write('manifests/service.yaml', service);
  await write('manifests/routes.yaml', ingress('a', '/in'));
  await write('elsewhere.yaml', ingress('b', '/out'));
  await write(
    'adit.yaml',
    'name: my-shop\nnamespace: shop\nmanifests: [./manifests/]\nupstreams:\n  web: { url: "http://127.0.0.1:1" }\n',
  );
  const { name } = await start();
  expect([name, routed()]).toEqual(['my-shop', ['/in']]);
  expect(updates[0]).toMatchObject({ upstreams: new Map([['shop/web:80', 'http://127.0.0.1:1']]) });
  await source?.close();
  await start(60_000, { 'shop/web:80': 'http://127.0.0.1:2' });
  expect(updates.at(-1)).toMatchObject({ upstreams: new Map([['shop/web:80', 'http://127.0.0.1:2']]) });
  await write('adit.yaml', 'namespace: shop\nupstream: {}\n');
  await expect
    .poll(() => updates.at(-1))
    .toMatchObject({ kind: 'refused', message: expect.stringContaining('adit.yaml:') });
});

test('loops of links, closed folders and other files do not disturb', async () => {
  await write('service.yaml', service);
  await mkdir(join(dir, 'node_modules/x'), { recursive: true });
  await write('node_modules/x/bad.yaml', 'a: [');
  await write('notes.txt', 'a: [');
  await symlink(dir, join(dir, 'loop'));
  await symlink(join(dir, 'gone.yaml'), join(dir, 'dangling.yaml'));
  await start();
  expect(updates.map(({ kind }) => kind)).toEqual(['config']);
});

test('a folder that is not there is named', async () => {
  await rm(dir, { recursive: true });
  await expect(start()).rejects.toMatchObject({ code: 'workspace-unreadable', message: expect.stringContaining(dir) });
});
